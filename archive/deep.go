package archive

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"

	"mimamori/frame"
)

// deep opens frames.
type deep struct {
	keys   *Keys
	unpack *frame.Unpacker
	spare  []frame.Record
	chains map[frame.Key]*frame.Chain
	seen   *frame.Ledger
}

func newDeep(v *verifier, keys *Keys) (*deep, error) {
	v.report.Unopened, v.report.Erased = map[string]uint64{}, map[string][]string{}
	u, err := frame.NewUnpacker()
	if err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	return &deep{keys: keys, unpack: u, chains: map[frame.Key]*frame.Chain{}, seen: frame.NewLedger()}, nil
}

// mark is how far the findings went before a day.
type mark struct {
	report *Report
	n      int
}

func (v *verifier) opened() mark { return mark{v.report, len(v.report.Findings)} }

// undo takes back what was found with keys in a day that is read again.
func (m mark) undo() { m.report.Findings = m.report.Findings[:m.n] }

// deepen opens a frame and checks that it is what its record says, that its
// collector signed it, and that it and its neighbours name each other.
func (v *verifier) deepen(w *dayCheck, e *Entry, sealed []byte, at int64, n uint64) {
	d := v.deep
	if d == nil {
		return
	}
	wrong := func(text string) {
		v.find(Finding{Kind: Unsound, File: w.file(framesSuffix), Frame: n, Offset: at, Text: e.name() + ": " + text})
	}
	aead, err := d.keys.forReading(e)
	if err != nil {
		v.unopened(e, err)
		return
	}
	plain, err := e.open(sealed, aead)
	if err != nil {
		wrong(err.Error())
		return
	}
	v.report.Opened++
	v.stillReadable(e)
	f, err := frame.Parse(plain)
	if err == nil {
		err = e.fits(f)
	}
	if err == nil {
		d.spare, err = d.unpack.Unpack(f, d.spare[:0])
	}
	if err != nil {
		wrong(err.Error())
		return
	}
	if w.manifest != nil && !slices.ContainsFunc(w.manifest.publics(f.Collector), func(k ed25519.PublicKey) bool { return f.Verify(k) == nil }) {
		wrong("no key of its collector that the manifest names has signed it")
	}
	if d.chain(f) > 0 {
		wrong("it and its neighbour do not name each other")
	}
}

// fits checks that a frame is the one of its record.
func (e *Entry) fits(f *frame.Frame) error {
	if f.Hash() != e.Frame || f.Key() != e.Sequence() || f.First != e.First || f.Last() != e.Last || f.Kind != e.Kind || f.Municipality != e.Municipality {
		return fmt.Errorf("%w: the frame is not the one that its record names", ErrMalformed)
	}
	return nil
}

// chain enters a frame, as ingest does.
func (d *deep) chain(f *frame.Frame) int {
	k, r := f.Key(), frame.Range{First: f.First, Last: f.Last()}
	entry := d.seen.Entry(k, f.Municipality, f.Zone)
	parts := d.seen.Fill(entry, r)
	if f.Kind == frame.Gap && (len(parts) != 1 || parts[0] != r) || len(parts) == 0 {
		return 0
	}
	c := d.chains[k]
	if c == nil {
		c = &frame.Chain{Key: k}
		d.chains[k] = c
	}
	return c.Add(f)
}

// unopened counts a frame that could not be decrypted.
func (v *verifier) unopened(e *Entry, err error) {
	reason := err.Error()
	for _, known := range []error{ErrErased, ErrLocked, ErrNoKey} {
		if errors.Is(err, known) {
			reason = known.Error()
		}
	}
	v.report.Unopened[reason]++
	if months := v.report.Erased[e.Municipality]; errors.Is(err, ErrErased) && !slices.Contains(months, e.Month()) {
		v.report.Erased[e.Municipality] = append(months, e.Month())
	}
}
