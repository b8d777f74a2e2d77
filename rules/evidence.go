package rules

import (
	"bytes"

	"mimamori/internal/pack"
)

// evidence is the texts of events that a snapshot's tables keep, each once,
// however many rules keep it.
type evidence struct {
	texts   [][]byte
	numbers map[*byte]uint64 // of the texts, from 1
}

func (e *evidence) number(text []byte) uint64 {
	if len(text) == 0 {
		return 0
	}
	n, ok := e.numbers[&text[0]]
	if !ok {
		e.texts = append(e.texts, text)
		n = uint64(len(e.texts))
		e.numbers[&text[0]] = n
	}
	return n
}

func readEvidence(r *pack.Reader) *evidence {
	e := &evidence{}
	for range r.Length() {
		e.texts = append(e.texts, bytes.Clone(r.Bytes()))
	}
	return e
}

// text is the one with a number, nil for 0; false where there is none.
func (e *evidence) text(n uint64) ([]byte, bool) {
	if n == 0 || n > uint64(len(e.texts)) {
		return nil, n == 0
	}
	return e.texts[n-1], true
}
