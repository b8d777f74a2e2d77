package drift

import (
	"slices"

	"mimamori/event"
)

// Forget takes out the example lines that gone accepts, and returns how many.
func (d *Drift) Forget(gone func(json []byte) bool) (n int) {
	for _, row := range slices.Concat(d.senders.Rows(), d.table.Rows()) {
		for i := range row.Value.Classes {
			if k := &row.Value.Classes[i]; k.Example.JSON != nil && gone(k.Example.JSON) {
				k.Example = event.Evidence{}
				n++
			}
		}
	}
	return n
}
