package collector

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"mimamori/frame"
	"mimamori/internal/bus"
)

// recorded is a Windows Event Log of channels whose events were written down
// before, and that can be cleared, overwritten and forbidden.
type recorded struct {
	mu       sync.Mutex
	channels map[string]*recordedChannel
}

type recordedChannel struct {
	first  int      // record id of events[0]
	events []string // XML
	err    error    // of subscribe
	gone   bool     // tell the next reader that events are missing
	lie    string   // bookmark to give, when not ""
}

func (l *recorded) on(name string, fn func(*recordedChannel)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.channels == nil {
		l.channels = map[string]*recordedChannel{}
	}
	if l.channels[name] == nil {
		l.channels[name] = &recordedChannel{first: 1}
	}
	fn(l.channels[name])
}

func (l *recorded) subscribe(c Channel, bookmark string, strict bool) (s subscription, err error) {
	l.on(c.Name, func(ch *recordedChannel) {
		id := 0
		if bookmark != "" {
			if _, err = fmt.Sscan(recordID(bookmark), &id); err != nil || id == 0 {
				err = errBadBookmark
			} else if strict && id < ch.first {
				err = errBookmarkGone
			}
		}
		if ch.err != nil {
			err = ch.err
		}
		s = &recordedSubscription{l, c.Name, id + 1, strict}
	})
	return s, err
}

type recordedSubscription struct {
	log    *recorded
	name   string
	at     int
	strict bool
}

func (s *recordedSubscription) next(size int) (events []string, bookmark string, err error) {
	s.log.on(s.name, func(ch *recordedChannel) {
		if s.strict && ch.gone {
			ch.gone, err = false, errEventsGone
			return
		}
		s.at = max(s.at, ch.first)
		for n := 0; s.at < ch.first+len(ch.events) && n < size; s.at++ {
			e := ch.events[s.at-ch.first]
			events, n = append(events, e), n+len(e)
		}
		bookmark = fmt.Sprintf("<BookmarkList>\r\n  <Bookmark Channel='%s' RecordId='%d' IsCurrent='true'/>\r\n</BookmarkList>", s.name, s.at-1)
		if ch.lie != "" {
			bookmark = ch.lie
		}
	})
	return events, bookmark, err
}

func (s *recordedSubscription) close() {}

// winEvent is an event in the shape that Microsoft documents (event schema).
func winEvent(channel string, id int) string {
	return fmt.Sprintf(`<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider Name='Microsoft-Windows-Security-Auditing' Guid='{54849625-5478-4994-a5ba-3e3b0328c30d}'/>`+
		`<EventID>4624</EventID><Version>2</Version><Level>0</Level><Task>12544</Task><Opcode>0</Opcode><Keywords>0x8020000000000000</Keywords>`+
		`<TimeCreated SystemTime='2026-11-22T01:02:03.4567890Z'/><EventRecordID>%d</EventRecordID><Correlation/><Execution ProcessID='700' ThreadID='712'/>`+
		`<Channel>%s</Channel><Computer>pc01.town.example</Computer><Security/></System><EventData><Data Name='TargetUserName'>山田&amp;太郎</Data><Data Name='Text'>two`+"\r\n"+`lines</Data></EventData></Event>`, id, channel)
}

func TestWinlogIsReadWholeAndOnceOverRestarts(t *testing.T) {
	l := &recorded{}
	w := newWinlogTest(t, l, "Security", "System")
	want := map[string][]string{}
	for run := range 4 {
		for _, name := range []string{"Security", "System"} {
			l.on(name, func(ch *recordedChannel) {
				for range 2000 {
					ch.events = append(ch.events, winEvent(name, len(ch.events)+1))
				}
				want[name] = slices.Clone(ch.events)
			})
		}
		stop := w.start()
		w.has(1000 + run*4000) // then it stops in the midst of it
		stop()
	}
	defer w.start()()
	w.has(16_000)
	for name := range want {
		var got []string
		for _, r := range w.records() {
			if r.File == name {
				got = append(got, r.Line)
			}
			if r.Flags != 0 || r.Input != "winlog" {
				t.Fatalf("%+v", r)
			}
		}
		sameLines(t, want[name], got)
	}
}

func TestWinlogGapIsSaidAsARecordAndReadingGoesOn(t *testing.T) {
	l := &recorded{}
	w := newWinlogTest(t, l, "Security")
	write := func(n int) {
		l.on("Security", func(ch *recordedChannel) {
			for range n {
				ch.events = append(ch.events, winEvent("Security", ch.first+len(ch.events)))
			}
		})
	}
	write(10)
	stop := w.start()
	w.has(10)
	stop()
	l.on("Security", func(ch *recordedChannel) { // overwritten while the collector was away
		ch.first, ch.events = 21, nil
	})
	write(5)
	stop = w.start()
	w.has(16)
	l.on("Security", func(ch *recordedChannel) { ch.gone, ch.first, ch.events = true, 40, nil }) // and while it reads
	write(3)
	w.has(20)
	stop()
	defer w.start()()
	write(1)
	w.has(21)
	var dropped []string
	ids := ""
	for _, r := range w.records() {
		if r.Flags&frame.Dropped != 0 {
			dropped = append(dropped, r.Line)
			ids += " gap"
			continue
		}
		_, id, _ := strings.Cut(r.Line, "<EventRecordID>")
		id, _, _ = strings.Cut(id, "<")
		ids += " " + id
	}
	if want := " 1 2 3 4 5 6 7 8 9 10 gap 21 22 23 24 25 gap 40 41 42 43"; ids != want {
		t.Errorf("%s, want %s", ids, want)
	}
	if len(dropped) != 2 || !strings.Contains(dropped[0], "channel Security behind event 10: ") || !strings.Contains(dropped[1], "behind event 25: ") {
		t.Errorf("%q", dropped)
	}
}

func TestWinlogChannelThatIsMissingOrForbiddenIsTriedAgainAndHoldsUpNoOther(t *testing.T) {
	l := &recorded{}
	w := newWinlogTest(t, l, "Security", "None", "System")
	l.on("Security", func(ch *recordedChannel) { ch.err, ch.events = errChannelDenied, []string{winEvent("Security", 1)} })
	l.on("None", func(ch *recordedChannel) { ch.err = errors.Join(errNoChannel, os.ErrNotExist) })
	l.on("System", func(ch *recordedChannel) { ch.events = []string{winEvent("System", 1)} })
	defer w.start()()
	w.has(1)
	l.on("Security", func(ch *recordedChannel) { ch.err = nil })
	w.has(2)
	if got := w.records(); got[0].File != "System" || got[1].File != "Security" {
		t.Errorf("%+v", got)
	}
}

func TestEventThatWindowsCannotRenderIsCountedAsDropped(t *testing.T) {
	l := &recorded{}
	w := newWinlogTest(t, l, "System")
	l.on("System", func(ch *recordedChannel) {
		ch.events = []string{winEvent("System", 1), unrendered + "data", winEvent("System", 3)}
	})
	defer w.start()()
	w.has(3)
	if got := w.records(); got[1].Flags != frame.Dropped || got[0].Flags != 0 || got[2].Flags != 0 {
		t.Errorf("%+v", got)
	}
}

func TestBadBookmarkBeginsAnewAndSaysSo(t *testing.T) {
	l := &recorded{}
	w := newWinlogTest(t, l, "System")
	l.on("System", func(ch *recordedChannel) { ch.events, ch.lie = []string{winEvent("System", 1)}, "no bookmark" })
	stop := w.start()
	w.has(1)
	stop()
	l.on("System", func(ch *recordedChannel) { ch.lie = "" })
	defer w.start()()
	w.has(3)
	if got := w.records(); got[1].Flags != frame.Dropped || got[2].Line != winEvent("System", 1) {
		t.Errorf("%+v", got)
	}
}

// winlogTest is a collector that reads a recorded log.
type winlogTest struct {
	t   *testing.T
	p   *prefecture
	log *recorded
	cfg Config
	key *bus.Key
	win []Channel
}

func newWinlogTest(t *testing.T, l *recorded, channels ...string) *winlogTest {
	key := newKey(t)
	w := &winlogTest{t: t, p: newPrefecture(t, key), log: l, key: key, cfg: config(t, Input{Source: "in", Type: "file", Paths: []string{"none"}})}
	for _, c := range channels {
		w.win = append(w.win, Channel{Name: c})
	}
	return w
}

// start runs the collector until stop. It is made for a file, since a winlog
// input is refused on this system, and gets the other input then.
func (w *winlogTest) start() (stop func()) {
	c, err := New(w.cfg, Options{Key: w.key, Log: logger(w.t), Prefecture: func(context.Context) (Publisher, error) { return w.p.conn, nil }})
	if err != nil {
		w.t.Fatal(err)
	}
	env := c.sources[0].input.(*fileInput).inputEnv
	env.cfg, env.kind = Input{Source: "in", Type: "winlog", Channels: w.win}, "winlog"
	c.sources[0].input = &winlogInput{inputEnv: env, events: w.log, pause: backoff{least: time.Millisecond, most: 20 * time.Millisecond}}
	ctx, cancel := context.WithCancel(w.t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := c.Run(ctx); err != nil {
			w.t.Error(err)
		}
	})
	<-c.Ready()
	return func() { cancel(); wg.Wait() }
}

// has waits until so many records have arrived.
func (w *winlogTest) has(n int) {
	w.t.Helper()
	eventually(w.t, fmt.Sprint(n, " records are there"), func() bool { return len(w.records()) >= n })
}

func (w *winlogTest) records() []frame.Record { return first(w.p.records("in")) }

func FuzzWindowsXML(f *testing.F) {
	f.Add("<Event><System><Provider Name='a' Guid='x'/></System></Event>", uint16(0xd83d), uint16(0xde00))
	f.Add("<Provider Guid='x' Name=\"q\"/><Bookmark RecordId='12'/>", uint16(0xdc00), uint16(0xd800))
	f.Add("RecordId=", uint16(0), uint16(1))
	f.Fuzz(func(t *testing.T, text string, high, low uint16) {
		recordID(text)
		providerName(text)
		if strings.ContainsRune(text, 0) || strings.HasSuffix(text, "\n") || strings.HasSuffix(text, "\r") {
			return
		}
		units := utf16.Encode([]rune(text))
		if got := xmlText(append(slices.Clone(units), 0, 'x')); got != string(utf16.Decode(units)) {
			t.Fatalf("%q became %q", text, got)
		}
		odd := append(append(units, high, low), 'x')
		if got := backTo16(xmlText(odd)); high != 0 && low != 0 && !slices.Equal(got, odd) {
			t.Fatalf("%x became %x", odd, got)
		}
	})
}

// backTo16 undoes xmlText, halves of pairs too.
func backTo16(s string) (out []uint16) {
	for i := 0; i < len(s); {
		switch {
		case i+2 < len(s) && s[i] == 0xed && s[i+1] >= 0xa0:
			out = append(out, 0xd000|uint16(s[i+1]&0x3f)<<6|uint16(s[i+2]&0x3f))
			i += 3
		default:
			r, n := utf8.DecodeRuneInString(s[i:])
			out = utf16.AppendRune(out, r)
			i += n
		}
	}
	return out
}

func TestInputOfAnotherSystemIsRefusedByCheckAndAtTheStart(t *testing.T) {
	for system, in := range map[string]Input{
		"windows": {Source: "ad", Type: "winlog", Channels: []Channel{{Name: "Security"}}},
		"linux":   {Source: "os", Type: "journald"},
	} {
		if err := in.systemError(system); err != nil {
			t.Error(err)
		}
		if err := in.systemError("plan9"); err == nil || !strings.Contains(err.Error(), "works on "+system+" only, this is plan9") {
			t.Errorf("%v", err)
		}
		if system == runtime.GOOS {
			continue
		}
		cfg := config(t, in)
		if _, err := New(cfg, Options{Key: newKey(t), Prefecture: func(context.Context) (Publisher, error) { return nil, os.ErrClosed }}); err == nil {
			t.Error("it was started")
		}
		if err := cfg.Check(); err == nil {
			t.Error("it was found in order")
		}
	}
}
