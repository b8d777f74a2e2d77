package archive

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"mimamori/frame"
	"mimamori/internal/whole"
)

const headTitle = "mimamori archive head v1"

// sealDays signs the days that are over, and then a head over all municipalities;
// moving is held.
func (a *Archive) sealDays(closed string) error {
	next := a.state.clone()
	next.Days = nil
	for _, d := range a.state.Days { // by day
		if d.Day > closed {
			next.Days = append(next.Days, d)
			continue
		}
		m := manifest{
			Municipality: d.Municipality, Day: d.Day, Previous: next.Last[d.Municipality],
			Frames: d.Tree.Size, Bytes: d.Bytes, Root: d.Tree.root(), Collectors: map[string]string{},
		}
		a.mu.Lock()
		for _, id := range d.Collectors {
			m.Collectors[id] = a.collectors[id]
		}
		a.mu.Unlock()
		text := m.text(a.cfg.Sign)
		if err := whole.Bytes(a.path(d.Municipality, d.Day, manifestSuffix), text); err != nil {
			return fmt.Errorf("archive: %w", err)
		}
		_, hash, err := parseManifest(text)
		if err != nil {
			return err
		}
		next.Last[d.Municipality] = link{d.Day, hash}
	}
	if len(next.Days) == len(a.state.Days) {
		return nil
	}
	h := head{At: a.cfg.Now(), Previous: next.Head, Certified: next.Certified, Last: next.Last}
	newest := ""
	for _, l := range next.Last {
		newest = max(newest, l.Day)
	}
	text := h.text(a.cfg.Sign)
	if err := whole.Bytes(filepath.Join(a.cfg.Dir, headsDir, newest+headSuffix), text); err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	next.Head = link{newest, textHash(text)}
	if err := next.save(a.cfg.Dir); err != nil {
		return err
	}
	a.state = next
	return nil
}

// head is what all municipalities' chains end in at one moment. A copy of it
// that is kept elsewhere is an anchor.
type head struct {
	At        time.Time
	Previous  link      // the head before it, by the day in its file's name
	Certified certified // newest certificate of an erasure; the zero one for none
	Last      map[string]link
	Open      []openHead // days that are not over; only in heads made on demand
	Key       ed25519.PublicKey
}

// openHead is the beginning of a day that is not over.
type openHead struct {
	Municipality, Day string
	Frames            uint64
	Root              frame.Hash // over the first so many frames
}

// text is the head, signed.
func (h *head) text(key ed25519.PrivateKey) []byte {
	b := fmt.Appendf(nil, "%s\nat %s\n%s", headTitle, h.At.Format(time.RFC3339), h.Previous.line())
	if h.Certified.Number > 0 {
		b = fmt.Appendf(b, "erasures %d %x\n", h.Certified.Number, h.Certified.Hash)
	}
	for _, code := range slices.Sorted(maps.Keys(h.Last)) {
		b = fmt.Appendf(b, "%s %s %x\n", code, h.Last[code].Day, h.Last[code].Hash)
	}
	for _, o := range h.Open {
		b = fmt.Appendf(b, "%s %s first %d %x\n", o.Municipality, o.Day, o.Frames, o.Root)
	}
	return signText(b, key)
}

// parseHead reads a head and checks its signature, by whatever key. The error
// wraps ErrMalformed or, with all the rest read, ErrSignature.
func parseHead(text []byte) (head, error) {
	h := head{Last: map[string]link{}}
	lines, key, bad := openText(text, headTitle)
	if key == nil {
		return h, bad
	}
	h.Key = key
	for i, line := range lines {
		f := strings.Fields(line)
		switch {
		case i == 0 && len(f) == 2 && f[0] == "at":
			at, err := time.Parse(time.RFC3339, f[1])
			if err != nil {
				return h, fmt.Errorf("%w: line 2: %w", ErrMalformed, err)
			}
			h.At = at
		case i == 1 && len(f) >= 2 && f[0] == "previous":
			h.Previous.Day, h.Previous.Hash = parseLink(line[len("previous "):])
		case i == 2 && len(f) == 3 && f[0] == "erasures":
			h.Certified.Number, _ = strconv.Atoi(f[1])
			_, h.Certified.Hash = parseLink("x " + f[2])
		case i > 1 && len(f) == 3 && isCode(f[0]) && isDay(f[1]):
			_, hash := parseLink("x " + f[2])
			h.Last[f[0]] = link{f[1], hash}
		case i > 1 && len(f) == 5 && isCode(f[0]) && isDay(f[1]) && f[2] == "first":
			n, _ := strconv.ParseUint(f[3], 10, 64)
			_, root := parseLink("x " + f[4])
			h.Open = append(h.Open, openHead{f[0], f[1], n, root})
		default:
			return h, fmt.Errorf("%w: line %d: %.80q", ErrMalformed, i+2, line)
		}
	}
	return h, bad
}

// SignHead signs what the archive in dir holds at this moment, days that are not
// over included, as text. A running service does not matter.
func SignHead(dir string, key ed25519.PrivateKey, now time.Time) ([]byte, error) {
	s, err := readState(dir)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return nil, fmt.Errorf("archive: %s holds no archive: %w", dir, os.ErrNotExist)
	}
	h := head{At: now, Previous: s.Head, Certified: s.Certified, Last: s.Last}
	for _, d := range s.Days {
		h.Open = append(h.Open, openHead{d.Municipality, d.Day, d.Tree.Size, d.Tree.root()})
	}
	return h.text(key), nil
}

// NewestHead is the text of the newest head in an archive's folder.
func NewestHead(dir string) ([]byte, error) {
	names, err := filepath.Glob(filepath.Join(dir, headsDir, "*"+headSuffix))
	if err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("archive: %s has no head yet: the first is signed when the first day is over: %w", dir, os.ErrNotExist)
	}
	text, err := os.ReadFile(names[len(names)-1])
	if err != nil {
		return nil, errors.Join(err, os.ErrNotExist)
	}
	return text, nil
}
