package cli

import (
	"fmt"
	"maps"
	"slices"

	"mimamori/archive"
)

// showErased tells which months were erased on purpose, and who decided it.
func (p *program) showErased(r *archive.Report) {
	for _, c := range r.Certificates {
		fmt.Fprintf(p.Out, "消去済み / erased: %s %s, by %s and %s, %s, certificate %s\n", c.Municipality, c.Month, c.Requested, c.Approved, c.Ended, c.Certificate)
		if c.Readable > 0 {
			fmt.Fprintf(p.Out, "  注意: 手元の鍵で %d フレームを復号できました。鍵の写しを破棄してください / %d of its frames could be opened: destroy this copy of the keys\n", c.Readable, c.Readable)
		}
	}
	for _, code := range slices.Sorted(maps.Keys(r.Erased)) {
		for _, month := range r.Erased[code] {
			if !slices.ContainsFunc(r.Certificates, func(c archive.ErasedMonth) bool { return c.Municipality == code && c.Month == month }) {
				fmt.Fprintf(p.Out, "鍵は破棄済み、証明書なし / keys destroyed, without a certificate: %s %s\n", code, month)
			}
		}
	}
}
