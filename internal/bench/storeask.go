package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"mimamori/event"
	"mimamori/internal/calendar"
	"mimamori/internal/measure"
	"mimamori/store"
)

// Question is what one question took, the middle of three times.
type Question struct {
	Name       string  `json:"name"`
	Seconds    float64 `json:"seconds"`
	CPUSeconds float64 `json:"cpu_seconds"` // of the whole process, what is stored meanwhile included
	Count      int64   `json:"count"`
}

// The needles and how often each is there.
const (
	needleAddress = "100.64.7.99"
	needleHash    = "5D41402ABC4B2A76B9719D911017C5925D41402ABC4B2A76B9719D911017C592"
	needleUser    = "kurosawa_h"
)

// needle is what a line gets in place of what it had.
type needle struct{ address, hash, user string }

// add plants the address in about 100 events, the hash in 12 and the user in 4,
// what is repeated included.
func (n *needle) add(i, of int) {
	every := func(times int) bool { return i%max(1, of/times) == max(1, of/times)/7 }
	if every(100) {
		n.address = needleAddress
	}
	if every(12) {
		n.hash = needleHash
	}
	if every(4) {
		n.user = needleUser
	}
}

// asked are the questions, of a day and of all.
func asked(ctx context.Context, s *store.Store, day event.Query) []struct {
	name string
	ask  func() (int64, error)
} {
	type question = struct {
		name string
		ask  func() (int64, error)
	}
	search := func(name string, q event.Query) question {
		return question{name, func() (int64, error) {
			p, err := s.Search(ctx, q)
			if err != nil {
				return 0, err
			}
			return p.Total, nil
		}}
	}
	with := func(q event.Query, text string) event.Query { q.Text = text; return q }
	all := event.Query{}
	list := []question{
		search("needle, address, as words", with(all, needleAddress)),
		search("needle, address, by field", with(all, fmt.Sprintf("source.ip == %q", needleAddress))),
		search("needle, hash, as words", with(all, needleHash)),
		search("needle, user, as words", with(all, needleUser)),
		search("needle, user, by field", with(all, fmt.Sprintf("user.name == %q", needleUser))),
		search("nothing, as words", with(all, "nobody-wrote-this")),
		search("equality in a day", with(day, `source.ip == "10.2.3.17"`)),
		{"part of a number in a day", func() (int64, error) { return s.Count(ctx, with(day, "471147")) }},
	}
	for name, q := range map[string]event.Query{"a day": day, "all": all} {
		list = append(list, question{"histogram of " + name, func() (int64, error) {
			bars, err := s.Histogram(ctx, q, 100)
			return int64(len(bars)), err
		}}, question{"top 10 of " + name, func() (int64, error) {
			top, err := s.Top(ctx, q, "source.ip", 10)
			return int64(len(top)), err
		}})
	}
	return list
}

// ask asks while events go on coming.
func (c *Config) ask(ctx context.Context, s *store.Store, f *filler, r *StoreResult) error {
	ctx, stop := context.WithCancel(ctx)
	var coming sync.WaitGroup
	var failed error
	coming.Go(func() { failed = c.keepComing(ctx, s, f, r.Events) })
	day := time.Date(2026, 11, 4, 0, 0, 0, 0, calendar.JST())
	err := func() error {
		for _, q := range asked(ctx, s, event.Query{From: day, To: day.AddDate(0, 0, 1)}) {
			out := Question{Name: q.name}
			var took [3]measure.Use
			for i := range took {
				use := measure.Start()
				n, err := q.ask()
				if err != nil {
					return fmt.Errorf("%s: %w", q.name, err)
				}
				took[i], out.Count = use(), n
			}
			middle := max(min(took[0].Wall, took[1].Wall), min(max(took[0].Wall, took[1].Wall), took[2].Wall))
			out.Seconds = middle.Seconds()
			for _, u := range took {
				out.CPUSeconds += u.CPU.Seconds() / float64(len(took))
			}
			r.Asked = append(r.Asked, out)
		}
		return nil
	}()
	stop()
	coming.Wait()
	return errors.Join(err, failed)
}

// keepComing stores 2,000 events each second.
func (c *Config) keepComing(ctx context.Context, s *store.Store, f *filler, n int) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	at := time.Date(2026, 11, 2+days, 0, 0, 0, 0, calendar.JST())
	f.plant = needle{}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		b := new(event.Batch)
		for range 2000 {
			f.add(b, n, at.Add(time.Duration(n)*time.Millisecond))
			n++
		}
		if err := s.Commit(ctx, store.Commit{Batches: []*event.Batch{b}}); err != nil && ctx.Err() == nil {
			return err
		}
	}
}
