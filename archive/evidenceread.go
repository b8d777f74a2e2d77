package archive

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"mimamori/frame"
	"mimamori/internal/calendar"
)

// VerifyEvidence checks a file of evidence alone; an anchor adds that the days
// were signed by the archive's own key. The error says that it is no evidence;
// what does not hold is in the report.
func VerifyEvidence(in io.Reader, anchor []byte) (*EvidenceReport, error) {
	text, err := io.ReadAll(io.LimitReader(in, maxEvidence+1))
	if err != nil {
		return nil, fmt.Errorf("archive: evidence: %w", err)
	}
	var x Evidence
	if err = json.Unmarshal(text, &x); err == nil && (x.Title != evidenceTitle || len(text) > maxEvidence) {
		err = fmt.Errorf("it does not begin with %q, or is larger than %d MB", evidenceTitle, maxEvidence>>20)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: this is no evidence of an archive: %w", ErrMalformed, err)
	}
	r := &EvidenceReport{Made: x.Made, Frames: len(x.Frames), Proved: []Proven{}, Wrong: []string{}}
	var days []manifest
	for i, text := range x.Manifests {
		m, _, err := parseManifest([]byte(text))
		if err != nil {
			r.Wrong = append(r.Wrong, fmt.Sprintf("day %d: %s", i+1, err))
		}
		days = append(days, m)
	}
	key, err := signedBy(days, anchor)
	if err != nil {
		r.Wrong = append(r.Wrong, err.Error())
	}
	r.Key = hex.EncodeToString(key)
	u, err := frame.NewUnpacker()
	if err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	defer u.Close()
	for i := range x.Frames {
		p, err := x.Frames[i].prove(days, u)
		if err != nil {
			r.Wrong = append(r.Wrong, fmt.Sprintf("frame %d: %s", i+1, err))
			continue
		}
		r.Lines += len(p.Lines)
		r.Proved = append(r.Proved, p)
	}
	return r, nil
}

// prove follows a frame from its lines to the root of its day.
func (p *Proof) prove(days []manifest, u *frame.Unpacker) (Proven, error) {
	var out Proven
	if p.Day < 0 || p.Day >= len(days) {
		return out, fmt.Errorf("%w: it names no day", ErrMalformed)
	}
	m := &days[p.Day]
	e, ok := parseHeader(p.Header)
	if !ok || len(e.header) != len(p.Header) {
		return out, fmt.Errorf("%w: its header", ErrMalformed)
	}
	root, ok := climb(e.leaf(), p.Number-1, m.Frames, p.Path)
	if !ok || root != m.Root || e.Municipality != m.Municipality || e.Day != m.Day {
		return out, fmt.Errorf("%s is not in the signed day %s %s", e.name(), m.Municipality, m.Day)
	}
	f, err := frame.Parse(p.Frame)
	if err == nil {
		err = e.fits(f)
	}
	if err != nil {
		return out, err
	}
	if !slices.ContainsFunc(m.publics(f.Collector), func(k ed25519.PublicKey) bool { return f.Verify(k) == nil }) {
		return out, fmt.Errorf("%w: no key of collector %s that the day names has signed it", ErrSignature, f.Collector)
	}
	records, err := u.Unpack(f, nil)
	if err != nil {
		return out, fmt.Errorf("archive: %w", err)
	}
	for _, l := range p.Lines {
		if l.Seq < f.First || l.Seq-f.First >= uint64(len(records)) || !l.same(lineOf(l.Seq, &records[l.Seq-f.First])) {
			return out, fmt.Errorf("line %d is not the one in the frame", l.Seq)
		}
	}
	at := time.UnixMicro(e.Arrived).In(calendar.JST()).Format(time.RFC3339)
	return Proven{e.Municipality, e.Day, e.name(), at, p.Lines}, nil
}

// same compares lines; the plain text is what JSON makes of the bytes.
func (l *Line) same(x Line) bool {
	return l.Received == x.Received && bytes.Equal(l.Text, x.Text) && l.Plain == string([]rune(x.Plain))
}
