package store

import (
	"context"
	"fmt"

	"mimamori/event"
)

// Lookup returns the events of these identities, each whole and once, in no
// order; those that are not there are left out. tenants restricts it as a query's
// Tenants do. The batch owns its memory.
func (s *Store) Lookup(ctx context.Context, refs []event.Ref, tenants []string) (*event.Batch, error) {
	x, err := s.ask(ctx, event.Query{Tenants: tenants})
	if err != nil {
		return nil, err
	}
	defer x.done()
	reader, err := newChunkReader()
	if err != nil {
		return nil, err
	}
	defer reader.close()
	wanted := make(map[event.Ref]bool, len(refs))
	for _, r := range refs {
		wanted[r] = true
	}
	var hits []hit
	for _, likely := range []bool{true, false} {
		for _, g := range x.segs {
			if len(wanted) == 0 || g.accountsAny(wanted) != likely {
				continue
			}
			if err := ctx.Err(); err != nil {
				return nil, fmt.Errorf("store: %w", err)
			}
			more, err := x.spot(reader, g, wanted)
			if err != nil {
				return nil, err
			}
			hits = append(hits, more...)
		}
	}
	return x.fetch(hits)
}

func (g *segment) accountsAny(refs map[event.Ref]bool) bool {
	for r := range refs {
		if g.accounts(r) {
			return true
		}
	}
	return false
}

// spot finds the rows of wanted events in a segment, and takes them off.
func (x *question) spot(r *chunkReader, s *segment, wanted map[event.Ref]bool) ([]hit, error) {
	f, meta, _, err := openSegment(s.path)
	if err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	defer f.Close()
	seqs := make(map[uint64]bool, len(wanted))
	for ref := range wanted {
		seqs[ref.Seq] = true
	}
	var hits []hit
	base := int64(0)
	within := x.bounds.clause(x.s.enc.ids)
	for _, g := range rowGroups(f, meta, r, x.s.enc.ids) {
		in := allRows(g.n)
		if within != nil {
			in = g.eval(within, in)
		}
		seq := g.own(colSeq, event.Long)
		for row := range in.all {
			v, _ := seq.at(row)
			if !seqs[uint64(v.Int())] {
				continue
			}
			if ref := g.ref(row); wanted[ref] {
				delete(wanted, ref)
				hits = append(hits, hit{file: s.path, row: base + int64(row)})
			}
		}
		if g.err != nil {
			return nil, fmt.Errorf("store: %s: %w", s.path, g.err)
		}
		base += int64(g.n)
	}
	return hits, nil
}
