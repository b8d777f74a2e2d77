package collector

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"mimamori/frame"
)

const (
	winlogBytes = 128 << 10                                               // of events that are asked for at once
	unrendered  = "mimamori: dropped: Windows cannot render this event: " // stands for its XML
)

// What may be wrong with a channel. All of them may pass, so they are tried
// again; the first two are gaps: events are gone that were never read.
var (
	errEventsGone    = errors.New("events were overwritten before they were read")
	errBookmarkGone  = errors.New("the event that was read last is gone: the channel was cleared or has overwritten it")
	errBadBookmark   = errors.New("the place that was read up to cannot be understood")
	errNoChannel     = errors.New("there is no such channel: is the program installed that writes it, and the name right?")
	errChannelDenied = errors.New("access denied: run the collector as LocalSystem, or put its account into the group Event Log Readers")
)

// eventLog is what the input needs of Windows.
type eventLog interface {
	// subscribe begins behind a bookmark, or with the oldest event where that is
	// "". A strict one fails with errBookmarkGone or errEventsGone where events
	// are missing; one that is not goes on with the next that is there.
	subscribe(c Channel, bookmark string, strict bool) (subscription, error)
}

// subscription is one channel that is being read.
type subscription interface {
	// next returns events as XML, about so many bytes, and the bookmark of the
	// last of them; none when none have come for a moment.
	next(bytes int) (events []string, bookmark string, err error)
	close()
}

// winlogInput subscribes to channels of the Windows Event Log. A line is an
// event as XML. Windows keeps the events until there is room; what it overwrites
// before it was read is a gap, and a record says so.
type winlogInput struct {
	*inputEnv
	events eventLog
	pause  backoff
	from   map[string]string // bookmarks by channel
}

func newWinlogInput(e *inputEnv) input {
	return &winlogInput{inputEnv: e, events: newEventLog(e.cfg), pause: backoff{least: time.Second, most: time.Minute}}
}

// checkWinlog checks the keys of an input that reads the Windows Event Log.
func checkWinlog(in *Input) *problem {
	if len(in.Channels) == 0 {
		return &problem{".channels", "channels: an input of type winlog needs at least one channel", "such as channels: [{name: Security}]"}
	}
	names := map[string]bool{}
	for i, c := range in.Channels {
		at := fmt.Sprintf(".channels[%d]", i)
		switch {
		case c.Name == "":
			return &problem{at, "channels: a channel has no name", "such as {name: Security}"}
		case names[c.Name]:
			return &problem{at + ".name", fmt.Sprintf("channels: %q is there twice", c.Name), "join its queries in one"}
		case strings.ContainsRune(c.Name+c.Query, 0):
			return &problem{at, fmt.Sprintf("channels: %q holds a NUL", c.Name), "remove it"}
		}
		names[c.Name] = true
	}
	if in.Locale != 0 && !in.Render {
		return &problem{".locale", "locale: without render there is no text in any language", "set render: true"}
	}
	return nil
}

func (in *winlogInput) open(_ context.Context, from state) (net.Addr, error) {
	in.from = from.Cursors
	return nil, nil
}

func (in *winlogInput) run(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, c := range in.cfg.Channels {
		wg.Go(func() {
			ch := &winChannel{winlogInput: in, Channel: c, at: in.from[c.Name], log: in.log.With("channel", c.Name), strict: true}
			for pause := in.pause; ; {
				err := ch.follow(ctx, &pause)
				if ctx.Err() != nil {
					return
				}
				if err == nil {
					continue
				}
				ch.log.Error("the channel cannot be read; it is tried again", "err", err)
				if !pause.wait(ctx) {
					return
				}
			}
		})
	}
}

// winChannel is one channel on its way.
type winChannel struct {
	*winlogInput
	Channel
	log    *slog.Logger
	at     string // bookmark of the last event that was handed over
	strict bool   // events that are missing are still to be told
}

// follow subscribes and reads until something fails or ctx ends. After a gap it
// returns nil with the first events behind it, to subscribe strictly again.
func (ch *winChannel) follow(ctx context.Context, pause *backoff) error {
	strict := ch.strict
	s, err := ch.events.subscribe(ch.Channel, ch.at, strict)
	if err != nil {
		return ch.failed(ctx, err)
	}
	defer s.close()
	for ctx.Err() == nil {
		events, bookmark, err := s.next(winlogBytes)
		if len(events) > 0 {
			b := ch.out.get(ctx)
			if b == nil {
				return ctx.Err()
			}
			for _, e := range events {
				r := frame.Record{Received: ch.now().UnixMicro(), Input: ch.kind, File: ch.Name}
				if strings.HasPrefix(e, unrendered) {
					r.Flags = frame.Dropped
				}
				b.add([]byte(e), r)
			}
			ch.at, ch.strict = bookmark, true
			pause.reset()
			ch.hand(b)
		}
		switch {
		case err != nil:
			return ch.failed(ctx, err)
		case !strict && len(events) > 0:
			return nil
		}
	}
	return ctx.Err()
}

// hand sends a batch with the bookmark behind it.
func (ch *winChannel) hand(b *batch) {
	b.marks = append(b.marks, mark{cursor: cursor{ch.Name, ch.at}})
	ch.out.send(b)
}

// failed writes a record where events are gone; the next subscription goes on
// with what is there.
func (ch *winChannel) failed(ctx context.Context, err error) error {
	if !errors.Is(err, errEventsGone) && !errors.Is(err, errBookmarkGone) && !errors.Is(err, errBadBookmark) {
		return err
	}
	b := ch.out.get(ctx)
	if b == nil {
		return err
	}
	if errors.Is(err, errBadBookmark) {
		ch.at = ""
	}
	ch.strict = false
	b.add(fmt.Appendf(nil, "mimamori: dropped: channel %s behind event %s: %s", ch.Name, recordID(ch.at), err),
		frame.Record{Received: ch.now().UnixMicro(), Input: ch.kind, File: ch.Name, Flags: frame.Dropped})
	ch.hand(b)
	return err
}

// recordID is the number of the event in a bookmark, "0" when it has none.
func recordID(bookmark string) string {
	_, rest, _ := strings.Cut(bookmark, "RecordId=")
	if rest == "" {
		return "0"
	}
	id, _, _ := strings.Cut(rest[1:], rest[:1])
	if _, err := strconv.ParseUint(id, 10, 64); err != nil {
		return "0"
	}
	return id
}

// xmlText makes UTF-8 of what Windows renders. A half of a surrogate pair, which
// UTF-8 has not, becomes the three bytes that it would have, so that nothing is
// lost; the record then says that it is no UTF-8.
func xmlText(units []uint16) string {
	var b bytes.Buffer
	for i := 0; i < len(units) && units[i] != 0; i++ {
		u := units[i]
		switch {
		case u&0xf800 != 0xd800:
			b.WriteRune(rune(u))
		case u < 0xdc00 && i+1 < len(units) && units[i+1]&0xfc00 == 0xdc00:
			i++
			b.WriteRune(0x10000 + rune(u&0x3ff)<<10 + rune(units[i]&0x3ff))
		default:
			b.Write([]byte{0xe0 | byte(u>>12), 0x80 | byte(u>>6)&0x3f, 0x80 | byte(u)&0x3f})
		}
	}
	return strings.TrimRight(b.String(), "\r\n")
}

// providerName reads who wrote an event from its XML: <Provider Name='…'.
func providerName(event string) string {
	_, rest, _ := strings.Cut(event, "<Provider ")
	rest, _, _ = strings.Cut(rest, ">")
	_, rest, _ = strings.Cut(" "+rest, " Name=")
	if rest == "" {
		return ""
	}
	name, _, _ := strings.Cut(rest[1:], rest[:1])
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&quot;", `"`, "&apos;", "'", "&amp;", "&").Replace(name)
}
