package archive

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"mimamori/frame"
)

const (
	evidenceTitle = "mimamori archive evidence v1"
	maxEvidence   = 512 << 20 // bytes of a file of evidence
)

// Evidence is chosen frames with the proof that they are in the archive: a file
// that Verify needs nothing else for. A frame is given whole, since it is what
// its collector signed; Lines are those that were asked for.
type Evidence struct {
	Title     string   `json:"title"`
	Made      string   `json:"made"`
	Manifests []string `json:"manifests"` // signed texts
	Frames    []Proof  `json:"frames"`
}

// Proof is one frame and its way to the root of its day.
type Proof struct {
	Day    int          `json:"day"`    // which of Manifests
	Number uint64       `json:"number"` // of the frame in its day, from 1
	Header []byte       `json:"header"` // of its record: what the leaf is made of
	Path   []frame.Hash `json:"path"`   // hashes beside its way to the root
	Frame  []byte       `json:"frame"`
	Lines  []Line       `json:"lines"`
}

// Line is one record of a frame.
type Line struct {
	Seq      uint64 `json:"seq"`
	Received string `json:"received"`
	Text     []byte `json:"text"` // as it came, whatever its encoding
	Plain    string `json:"plain"`
}

// Extract writes the selected frames of signed days as evidence, and returns how
// many. A frame that can't be opened is an error: evidence with holes would be
// taken for the whole.
func Extract(dir string, keys *Keys, s Selection, now time.Time, out io.Writer) (int, error) {
	x := &extract{dir: dir, selection: s, days: map[string]int{}, evidence: Evidence{Title: evidenceTitle, Made: now.Format(time.RFC3339), Manifests: []string{}, Frames: []Proof{}}}
	var err error
	if x.unpacker, err = frame.NewUnpacker(); err != nil {
		return 0, fmt.Errorf("archive: %w", err)
	}
	defer x.unpacker.Close()
	err = Frames(dir, keys, s, x.add, func(e Entry, err error) error { return fmt.Errorf("%s of %s: %w", e.name(), e.Day, err) })
	if err != nil {
		return 0, err
	}
	enc := json.NewEncoder(out)
	if err := enc.Encode(x.evidence); err != nil {
		return 0, fmt.Errorf("archive: evidence: %w", err)
	}
	return len(x.evidence.Frames), nil
}

// extract gathers evidence.
type extract struct {
	dir       string
	selection Selection
	unpacker  *frame.Unpacker
	evidence  Evidence
	days      map[string]int // index of the manifest
	leaves    []frame.Hash   // of the newest day
	places    map[frame.Hash]int
	bytes     int
}

func (x *extract) add(e Entry, f *frame.Frame) error {
	day, err := x.day(&e)
	if err != nil {
		return err
	}
	n, ok := x.places[e.leaf()]
	if !ok {
		return fmt.Errorf("%w: %s of %s %s is not in the index: verify the archive first", ErrMalformed, e.name(), e.Municipality, e.Day)
	}
	if x.bytes += len(f.Bytes); x.bytes > maxEvidence/2 {
		return fmt.Errorf("archive: more than %d MB of frames are selected: select less", maxEvidence>>21)
	}
	records, err := x.unpacker.Unpack(f, nil)
	if err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	p := Proof{Day: day, Number: uint64(n) + 1, Header: e.header, Path: inclusion(x.leaves, n), Frame: f.Bytes}
	for i := range records {
		seq := f.First + uint64(i)
		if x.selection.Last == 0 || seq >= x.selection.First && seq <= x.selection.Last {
			p.Lines = append(p.Lines, lineOf(seq, &records[i]))
		}
	}
	x.evidence.Frames = append(x.evidence.Frames, p)
	return nil
}

func lineOf(seq uint64, r *frame.Record) Line {
	return Line{seq, time.UnixMicro(r.Received).UTC().Format(time.RFC3339Nano), []byte(r.Line), r.Line}
}

// day reads the manifest and the index of an entry's day.
func (x *extract) day(e *Entry) (int, error) {
	name := filepath.Join(x.dir, e.Municipality, e.Day)
	if n, ok := x.days[name]; ok {
		return n, nil
	}
	text, err := readText(name + manifestSuffix)
	if errors.Is(err, os.ErrNotExist) {
		return 0, fmt.Errorf("archive: %s is not signed yet: evidence of a day can be taken out when it is over: %w", e.Day, err)
	}
	if err != nil {
		return 0, err
	}
	index, err := os.ReadFile(name + indexSuffix)
	if err != nil {
		return 0, fmt.Errorf("archive: %w", err)
	}
	x.leaves, x.places = make([]frame.Hash, len(index)/len(frame.Hash{})), map[frame.Hash]int{}
	for i := range x.leaves {
		copy(x.leaves[i][:], index[i*len(frame.Hash{}):])
		x.places[x.leaves[i]] = i
	}
	n := len(x.evidence.Manifests)
	x.days[name], x.evidence.Manifests = n, append(x.evidence.Manifests, string(text))
	return n, nil
}

// EvidenceReport is what evidence proves.
type EvidenceReport struct {
	Key    string   `json:"key"` // that signed the days
	Made   string   `json:"made"`
	Frames int      `json:"frames"`
	Lines  int      `json:"lines"`
	Proved []Proven `json:"proved"`
	Wrong  []string `json:"wrong"`
}

// Proven is a frame that is genuine.
type Proven struct {
	Municipality string `json:"municipality"`
	Day          string `json:"day"`
	Frame        string `json:"frame"`
	Arrived      string `json:"arrived"`
	Lines        []Line `json:"lines"`
}

// signedBy checks that all manifests are signed by one key, which is the
// anchor's where there is one.
func signedBy(manifests []manifest, anchor []byte) (ed25519.PublicKey, error) {
	var key ed25519.PublicKey
	if anchor != nil {
		h, err := parseHead(anchor)
		if err != nil {
			return nil, fmt.Errorf("archive: the anchor itself is not genuine: %w", err)
		}
		key = h.Key
		for i := range manifests {
			if l := h.Last[manifests[i].Municipality]; l.Day == manifests[i].Day && l.Hash != manifests[i].hash {
				return key, fmt.Errorf("%w: %s %s is not the day that the anchor names", ErrSignature, manifests[i].Municipality, manifests[i].Day)
			}
		}
	}
	for i := range manifests {
		if key != nil && !key.Equal(manifests[i].Key) {
			return key, fmt.Errorf("%w: %s %s is signed by another key than the rest, or the anchor", ErrSignature, manifests[i].Municipality, manifests[i].Day)
		}
		key = manifests[i].Key
	}
	return key, nil
}
