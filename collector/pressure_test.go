package collector

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"mimamori/frame"
)

// line is a line to the prefecture that can be down, and that at times loses
// the acknowledgement of what has arrived.
type line struct {
	to    Publisher
	down  atomic.Bool
	loses int // every so many acknowledgements
	n     int // Publish is never called twice at once
}

var errDown = errors.New("the line is down")

func (l *line) Publish(ctx context.Context, subject string, data []byte) (uint64, error) {
	if l.down.Load() {
		return 0, errDown
	}
	seq, err := l.to.Publish(ctx, subject, data)
	if l.n++; err == nil && l.loses > 0 && l.n%l.loses == 0 {
		return 0, errDown
	}
	return seq, err
}

func TestPrefectureAwayAndBackLosesNothing(t *testing.T) {
	in, path := fileIn(t, "app.log")
	key := newKey(t)
	p := newPrefecture(t, key)
	l := &line{to: p.conn, loses: 3}
	l.down.Store(true)
	cfg := config(t, in)
	u := start(t, cfg, key, l)
	var want []string
	for i := range 5 {
		more, text := numbered(100*i, 100)
		want = append(want, more...)
		write(t, path, text)
		eventually(t, "it is spooled", func() bool { return u.Stats().Sources[0].Lines == uint64(100*(i+1)) })
	}
	eventually(t, "the error is told", func() bool { return u.Stats().LastError == errDown.Error() })
	if s := u.Stats(); s.Queue < 5 || s.Shipped != 0 {
		t.Errorf("%+v", s)
	}
	u.stop()
	u = start(t, cfg, key, l) // still away
	if s := u.Stats(); s.Queue < 5 {
		t.Errorf("the queue is forgotten: %+v", s)
	}
	l.down.Store(false)
	u.shipped("files", 0)
	recs, again := p.records("files")
	sameLines(t, want, lines(recs))
	if again == 0 {
		t.Error("no frame came twice: the lost acknowledgements were not tested")
	}
	u.stop()
	before, _ := p.frames.State(t.Context())
	u = start(t, cfg, key, l)
	write(t, path, "one more\n")
	u.shipped("files", 1)
	if after, _ := p.frames.State(t.Context()); after.Last > before.Last+2 {
		t.Errorf("%d frames were sent for one line", after.Last-before.Last)
	}
}

// noise is a line that zstd cannot make smaller by much.
func noise(i int) string {
	b := make([]byte, 30_000)
	_, _ = rand.Read(b)
	return fmt.Sprintf("<13>%06d ", i) + hex.EncodeToString(b)
}

func TestFullSpoolHoldsFilesAndDropsDatagramsWithARecordForEach(t *testing.T) {
	in, path := fileIn(t, "app.log")
	key := newKey(t)
	p := newPrefecture(t, key)
	l := &line{to: p.conn}
	l.down.Store(true)
	cfg := config(t, in, Input{Source: "in", Type: "syslog", Listen: "udp://127.0.0.1:0", WhenFull: whenFullBlock})
	cfg.Spool.MaxBytes = 16 << 20
	u := start(t, cfg, key, l)
	var want []string
	for i := range 700 { // 42 MB, packed some 21 MB
		want = append(want, noise(i))
	}
	write(t, path, strings.Join(want, "\n")+"\n")
	eventually(t, "the spool is full", func() bool { return u.Stats().SpoolFull })
	send := stream("udp", nil)(t, u)
	sent := uint64(0)
	tick := time.NewTicker(200 * time.Microsecond) // UDP has no back-pressure
	defer tick.Stop()
	for ; u.Stats().Sources[1].Unwritten < 100; sent++ {
		<-tick.C
		send(noise(int(sent))[:20_000])
	}
	l.down.Store(false)
	recorded := func() bool {
		s := u.Stats()
		return s.Sources[1].Lines+s.Sources[1].Dropped == sent && s.Queue == 0 && !s.SpoolFull
	}
	eventually(t, "each datagram has its record", recorded)
	send("<13>the last")
	sent++
	u.shipped("files", len(want))
	eventually(t, "the last one has its record too", recorded)
	sameLines(t, want, fromFiles(t, p))
	recs, _ := p.records("in")
	dropped := uint64(0)
	for _, r := range recs {
		if r.Flags&frame.Dropped != 0 {
			dropped++
		}
	}
	if s := u.Stats().Sources[1]; s.Dropped != dropped || dropped < 100 || s.Unwritten != 0 || uint64(len(recs)) != sent {
		t.Errorf("%d records, %d of dropped lines, %d sent, %+v", len(recs), dropped, sent, s)
	}
	if got := lines(recs); !slices.Contains(got, droppedNoRoom) || got[len(got)-1] != "<13>the last" {
		t.Errorf("last line %q", got[len(got)-1])
	}
}
