package export

import (
	"bufio"
	"fmt"

	"mimamori/event"
)

// ndjson writes one JSON object a line.
type ndjson struct {
	out    *bufio.Writer
	fields []event.Field // nil: whole events
	buf    []byte
	some   event.Batch
	x      event.Builder
}

func (n *ndjson) Take(b *event.Batch) error {
	for i := range b.Events {
		e := &b.Events[i]
		if n.fields != nil {
			for _, f := range n.fields {
				if v, ok := e.Get(f); ok {
					n.x.Set(f, v)
				}
			}
			n.some.Reset()
			e = n.some.Append(&n.x, e.Ref)
		}
		n.buf = append(e.AppendJSON(n.buf[:0]), '\n')
		if _, err := n.out.Write(n.buf); err != nil {
			return fmt.Errorf("export: %w", err)
		}
	}
	return nil
}

func (n *ndjson) Close() error {
	if err := n.out.Flush(); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	return nil
}
