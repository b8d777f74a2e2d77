package store

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mimamori/event"
	"mimamori/internal/calendar"
)

// scramble is a Sealer that anybody could break, with months that are erased.
type scramble struct{ erased map[townMonth]bool }

type scrambled struct{ to io.Writer }

func (s scrambled) Write(b []byte) (int, error) {
	c := bytes.Clone(b)
	for i := range c {
		c[i] ^= 0xa5
	}
	return s.to.Write(c)
}

func (scrambled) Close() error { return nil }

func (s scramble) Seal(to io.Writer, town, month string) (io.WriteCloser, error) {
	if s.erased[townMonth{town, month}] {
		return nil, fmt.Errorf("%w: %s", ErrErased, month)
	}
	_, err := fmt.Fprintln(to, town, month)
	return scrambled{to}, err
}

func (s scramble) Open(from io.Reader) (io.Reader, error) {
	var of townMonth
	r := bufio.NewReader(from)
	if _, err := fmt.Fscanln(r, &of.town, &of.month); err != nil {
		return nil, err
	}
	if s.erased[of] {
		return nil, fmt.Errorf("%w: %s", ErrErased, of.month)
	}
	b, err := io.ReadAll(r)
	var out bytes.Buffer
	_, _ = scrambled{&out}.Write(b)
	return &out, err
}

// partOf is the naive rule.
func partOf(e *event.Event) townMonth {
	town := e.Str(event.MustLookup("municipality"))
	if town == "" {
		town = noTown
	}
	return townMonth{town, time.Unix(0, arrived(e)).In(calendar.JST()).Format("2006-01")}
}

// overMonths moves the arrivals of a batch of genArrivals to months around New Year.
func overMonths(b *event.Batch) *event.Batch {
	out, x := &event.Batch{}, new(event.Builder)
	for i := range b.Events {
		e := &b.Events[i]
		for f, v := range e.All {
			if v.Kind() == event.Date {
				v = event.Time(time.Date(2026, 9+time.Month(v.Int()), 1, 0, 0, 0, 0, calendar.JST()).UnixNano() - v.Int()%2)
			}
			x.Set(f, v)
		}
		out.Append(x, e.Ref)
	}
	return out
}

// TestASealedCopyBringsBackAllButWhatIsErased compares with the store that was
// copied: every event but those of erased months, as it was, and every frame. A
// second copy writes what is new.
func TestASealedCopyBringsBackAllButWhatIsErased(t *testing.T) {
	ctx, epoch, dir := context.Background(), uint64(0), t.TempDir()
	s := open(t, dir, Options{})
	type copied struct {
		groups     []string
		to, frames string
		events     int
		by         Sealer
	}
	back := func(t *rapid.T, c copied, want map[event.Ref]*event.Event) {
		plain, err := os.MkdirTemp(dir, "back")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(plain)
		out, err := OpenCopy(ctx, c.to, plain, c.groups, c.by)
		if err != nil {
			t.Fatal(err)
		}
		again := &Store{dir: plain, log: s.log, columns: map[string]string{}, enc: s.enc} // without DuckDB
		if err := again.load(); err != nil {
			t.Fatal(err)
		}
		got := map[event.Ref]*event.Event{}
		for _, g := range again.segments {
			rows := make([]int, g.manifest.Events)
			for i := range rows {
				rows[i] = i
			}
			err := again.walk(ctx, g, rows, func(b *event.Batch, _ []int) error {
				for i := range b.Events {
					got[b.Events[i].Ref] = &b.Events[i]
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		erased := int64(0)
		for _, p := range out.Erased {
			erased += p.Events
		}
		if len(got) != len(want) || fmt.Sprint(again.Frames()) != c.frames || erased != int64(c.events-len(want)) || len(again.aside) > 0 {
			t.Fatalf("%d events, want %d, %d said to be erased; frames %v, want %s", len(got), len(want), erased, again.Frames(), c.frames)
		}
		for ref, e := range want {
			if got[ref] == nil || same(got[ref], e) != "" {
				t.Fatal(ref, " has changed")
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		wipe(s)
		to, err := os.MkdirTemp(dir, "copy")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(to)
		for range rapid.IntRange(1, 2).Draw(t, "copies") {
			for range rapid.IntRange(1, 4).Draw(t, "segments") {
				epoch++
				b := genArrivals(t, epoch, 4)
				if rapid.Bool().Draw(t, "pure") {
					b.Events = b.Events[:1]
				}
				commit(t, s, overMonths(b))
			}
			if rapid.Bool().Draw(t, "compact") {
				if err := s.Compact(ctx); err != nil {
					t.Fatal(err)
				}
			}
			events, frames := everything(t, s), fmt.Sprint(s.Frames())
			by := scramble{map[townMonth]bool{}}
			c, err := SealCopy(ctx, dir, to, by)
			if err != nil || len(c.Left) > 0 {
				t.Fatal(c, err)
			}
			if err := PruneCopy(to, c.Groups); err != nil {
				t.Fatal(err)
			}
			if c, err := SealCopy(ctx, dir, to, by); err != nil || c.New != 0 {
				t.Fatalf("written again: %+v %v", c, err)
			}
			made := copied{c.Groups, to, frames, len(events), by}
			back(t, made, events)
			want := everything(t, s)
			for range rapid.IntRange(0, 3).Draw(t, "erased") {
				month := time.Date(2026, time.Month(rapid.IntRange(8, 18).Draw(t, "month")), 1, 0, 0, 0, 0, time.UTC).Format("2006-01")
				by.erased[townMonth{rapid.SampledFrom(append([]string{noTown}, towns[:3]...)).Draw(t, "town"), month}] = true
			}
			for ref, e := range events {
				if by.erased[partOf(e)] {
					delete(want, ref)
				}
			}
			back(t, made, want)
		}
	})
}

func TestNothingOfASealedCopyIsReadable(t *testing.T) {
	dir, to := t.TempDir(), t.TempDir()
	s := open(t, dir, Options{})
	monthly(t, s, 3)
	c, err := SealCopy(t.Context(), dir, to, scramble{})
	if err != nil || len(c.Groups) != 1 || c.Segments != 3 {
		t.Fatalf("%+v %v", c, err)
	}
	files, err := filepath.Glob(filepath.Join(to, "*"))
	if err != nil || len(files) != 1+2 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil || strings.Contains(string(b), "needle") {
			t.Error(f, " is readable: ", err)
		}
	}
}

func TestADamagedSegmentIsLeftOutOfASealedCopyAndNamed(t *testing.T) {
	dir, to := t.TempDir(), t.TempDir()
	s := open(t, dir, Options{})
	monthly(t, s, 3)
	bad := s.segments[1]
	b, err := os.ReadFile(bad.path)
	if err != nil {
		t.Fatal(err)
	}
	at := bytes.Index(b, []byte("PAR1")) + 4
	for i := range 200 { // the first pages
		b[at+i] ^= 0x55
	}
	if err := os.WriteFile(bad.path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := SealCopy(t.Context(), dir, to, scramble{})
	if err != nil || len(c.Left) != 1 || !strings.Contains(c.Left[0], bad.name) || c.Segments != 2 {
		t.Fatalf("%+v %v", c, err)
	}
}
