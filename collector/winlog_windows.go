package collector

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
)

// Values of winevt.h and winerror.h, as Microsoft documents them.
const (
	evtOldest, evtAfterBookmark, evtStrict = 2, 3, 0x10000 // EVT_SUBSCRIBE_FLAGS
	evtRenderXML, evtRenderBookmark        = 1, 2          // EVT_RENDER_FLAGS
	evtMessageXML                          = 9             // EVT_FORMAT_MESSAGE_FLAGS

	evtChannelNotFound = windows.Errno(15007)
	evtResultStale     = windows.Errno(15011)
	evtBadPosition     = windows.Errno(15012)

	evtHandles = 64                     // asked for at once
	evtWait    = 500 * time.Millisecond // for events to come
)

// wevtapi is the Windows Event Log.
type wevtapi struct {
	subscribeProc, nextProc, renderProc, closeProc, makeProc, updateProc, publisherProc, formatProc *windows.LazyProc

	rendered bool
	locale   uint32
}

func newEventLog(in Input) eventLog {
	dll := windows.NewLazySystemDLL("wevtapi.dll")
	return &wevtapi{
		dll.NewProc("EvtSubscribe"), dll.NewProc("EvtNext"), dll.NewProc("EvtRender"), dll.NewProc("EvtClose"), dll.NewProc("EvtCreateBookmark"),
		dll.NewProc("EvtUpdateBookmark"), dll.NewProc("EvtOpenPublisherMetadata"), dll.NewProc("EvtFormatMessage"), in.Render, in.Locale,
	}
}

// call returns what the function returns, or why it returned 0. Its arguments
// may be addresses: they stay where they are until it returns.
//
//go:uintptrescapes
func call(p *windows.LazyProc, args ...uintptr) (uintptr, error) {
	if err := p.Find(); err != nil {
		return 0, fmt.Errorf("this Windows has no event log to subscribe to: %w", err)
	}
	r, _, err := p.Call(args...)
	if r != 0 {
		return r, nil
	}
	switch err {
	case windows.ERROR_ACCESS_DENIED:
		err = errors.Join(errChannelDenied, err)
	case evtChannelNotFound:
		err = errors.Join(errNoChannel, err)
	case windows.ERROR_NOT_FOUND:
		err = errors.Join(errBookmarkGone, err)
	case evtResultStale, evtBadPosition:
		err = errors.Join(errEventsGone, err)
	}
	return 0, fmt.Errorf("%s: %w", p.Name, err)
}

func (w *wevtapi) shut(h uintptr) {
	if h != 0 {
		_, _ = call(w.closeProc, h) // there is nothing to be done about it
	}
}

func (w *wevtapi) subscribe(c Channel, bookmark string, strict bool) (subscription, error) {
	s := &winSubscription{api: w, publishers: map[string]uintptr{}}
	if err := s.open(c, bookmark, strict); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// winSubscription is a pull subscription: an event is set when something comes,
// and EvtNext hands it over.
type winSubscription struct {
	api        *wevtapi
	signal     windows.Handle
	handle     uintptr
	bookmark   uintptr
	pending    []uintptr // events that were handed over and not yet rendered
	publishers map[string]uintptr
	buf        []uint16
}

func (s *winSubscription) open(c Channel, bookmark string, strict bool) error {
	text, err := windows.UTF16PtrFromString(bookmark)
	if err != nil {
		return errBadBookmark
	}
	flags := uintptr(evtOldest)
	if bookmark == "" {
		text = nil
	} else {
		flags = evtAfterBookmark
		if strict {
			flags |= evtStrict
		}
	}
	if s.bookmark, err = call(s.api.makeProc, uintptr(unsafe.Pointer(text))); err != nil {
		return errors.Join(errBadBookmark, err)
	}
	if s.signal, err = windows.CreateEvent(nil, 0, 1, nil); err != nil {
		return fmt.Errorf("CreateEvent: %w", err)
	}
	channel, err := windows.UTF16PtrFromString(c.Name)
	if err != nil {
		return fmt.Errorf("channel %q: %w", c.Name, err)
	}
	query, err := windows.UTF16PtrFromString(c.Query)
	if err != nil {
		return fmt.Errorf("query: %w", err)
	}
	switch {
	case c.Query == "":
		query = nil
	case strings.HasPrefix(strings.TrimSpace(c.Query), "<"):
		channel = nil // the query names them
	}
	after := s.bookmark
	if bookmark == "" {
		after = 0
	}
	s.handle, err = call(s.api.subscribeProc, 0, uintptr(s.signal), uintptr(unsafe.Pointer(channel)), uintptr(unsafe.Pointer(query)), after, 0, 0, flags)
	return err
}

func (s *winSubscription) next(bytes int) (events []string, bookmark string, err error) {
	if len(s.pending) == 0 {
		if err := s.fetch(); err != nil {
			return nil, "", err
		}
	}
	for size := 0; len(s.pending) > 0 && size < bytes; s.pending = s.pending[1:] {
		h := s.pending[0]
		text := s.text(h)
		if _, err = call(s.api.updateProc, s.bookmark, h); err != nil {
			break
		}
		s.api.shut(h)
		events, size = append(events, text), size+len(text)
	}
	if len(events) == 0 {
		return nil, "", err
	}
	place, merr := s.render(s.bookmark, evtRenderBookmark)
	if merr != nil {
		return nil, "", merr // nothing is handed over without its place
	}
	return events, xmlText(place), err
}

// fetch waits for events and takes their handles.
func (s *winSubscription) fetch() error {
	if _, err := windows.WaitForSingleObject(s.signal, uint32(evtWait.Milliseconds())); err != nil {
		return fmt.Errorf("WaitForSingleObject: %w", err)
	}
	var handles [evtHandles]uintptr
	var n uint32
	_, err := call(s.api.nextProc, s.handle, evtHandles, uintptr(unsafe.Pointer(&handles[0])), 0, 0, uintptr(unsafe.Pointer(&n)))
	if errors.Is(err, windows.ERROR_NO_MORE_ITEMS) || errors.Is(err, windows.ERROR_TIMEOUT) {
		return nil
	}
	if err != nil {
		return err
	}
	s.pending = append(s.pending[:0], handles[:n]...)
	return windows.SetEvent(s.signal) // there may be more
}

// text renders an event, with its message where that is asked for and to be had.
func (s *winSubscription) text(h uintptr) string {
	plain, err := s.render(h, evtRenderXML)
	if err != nil {
		return unrendered + err.Error()
	}
	text := xmlText(plain)
	if !s.api.rendered {
		return text
	}
	if full, err := s.format(h, providerName(text)); err == nil {
		return full
	}
	return text
}

// render is EvtRender, which says how much room it needs.
func (s *winSubscription) render(h, what uintptr) ([]uint16, error) {
	for {
		var used, properties uint32
		_, err := call(s.api.renderProc, 0, h, what, uintptr(2*len(s.buf)), uintptr(unsafe.Pointer(unsafe.SliceData(s.buf))),
			uintptr(unsafe.Pointer(&used)), uintptr(unsafe.Pointer(&properties)))
		if err == nil {
			return s.buf[:used/2], nil
		}
		if !errors.Is(err, windows.ERROR_INSUFFICIENT_BUFFER) || int(used) <= 2*len(s.buf) {
			return nil, err
		}
		s.buf = make([]uint16, used/2+1024)
	}
}

// format is EvtFormatMessage: the event's XML with what the viewer shows.
func (s *winSubscription) format(h uintptr, provider string) (string, error) {
	p, ok := s.publishers[provider]
	if !ok {
		name, err := windows.UTF16PtrFromString(provider)
		if err != nil {
			return "", fmt.Errorf("provider: %w", err)
		}
		if len(s.publishers) >= 256 {
			s.forget()
		}
		p, _ = call(s.api.publisherProc, 0, uintptr(unsafe.Pointer(name)), 0, uintptr(s.api.locale), 0)
		s.publishers[provider] = p // 0: it is not installed
	}
	for {
		var used uint32
		_, err := call(s.api.formatProc, p, h, 0, 0, 0, evtMessageXML, uintptr(len(s.buf)), uintptr(unsafe.Pointer(unsafe.SliceData(s.buf))), uintptr(unsafe.Pointer(&used)))
		if err == nil {
			return xmlText(s.buf[:used]), nil
		}
		if !errors.Is(err, windows.ERROR_INSUFFICIENT_BUFFER) || int(used) <= len(s.buf) {
			return "", err
		}
		s.buf = make([]uint16, used+1024)
	}
}

func (s *winSubscription) forget() {
	for _, p := range s.publishers {
		s.api.shut(p)
	}
	clear(s.publishers)
}

func (s *winSubscription) close() {
	for _, h := range s.pending {
		s.api.shut(h)
	}
	s.forget()
	s.api.shut(s.handle)
	s.api.shut(s.bookmark)
	if s.signal != 0 {
		_ = windows.CloseHandle(s.signal) // it was only waited for
	}
	runtime.KeepAlive(s)
}
