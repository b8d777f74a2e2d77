package collector

import (
	"fmt"
	"path/filepath"
	"testing"
)

// TestASourceThatIsLeftOutForAWhileGoesOn: an order that lacks an input is tried
// and taken back. Meanwhile the spool is emptied many times.
func TestASourceThatIsLeftOutForAWhileGoesOn(t *testing.T) {
	dir := t.TempDir()
	a := Input{Source: "a", Type: "file", Paths: []string{filepath.Join(dir, "a.log")}}
	b := Input{Source: "b", Type: "file", Paths: []string{filepath.Join(dir, "b.log")}}
	key := newKey(t)
	p := newPrefecture(t, key)
	cfg := config(t, a, b)
	var wantA, wantB []string
	add := func(file string, to *[]string, n int) {
		for range n {
			*to = append(*to, fmt.Sprintf("%s line %d", file, len(*to)))
			write(t, filepath.Join(dir, file), (*to)[len(*to)-1]+"\n")
		}
	}
	add("a.log", &wantA, 3)
	add("b.log", &wantB, 3)
	u := start(t, cfg, key, p.conn)
	u.shipped("a", 3)
	u.shipped("b", 3)
	u.stop()
	cfg.Inputs = []Input{a}
	for range 3 {
		u = start(t, cfg, key, p.conn)
		add("a.log", &wantA, 5)
		u.shipped("a", 5)
		u.stop() // which empties the spool
	}
	cfg.Inputs = []Input{a, b}
	add("b.log", &wantB, 2)
	u = start(t, cfg, key, p.conn)
	u.shipped("b", 2)
	u.stop()
	for source, want := range map[string][]string{"a": wantA, "b": wantB} {
		recs, gaps, again := p.account(source)
		if len(gaps) > 0 || again > 0 {
			t.Errorf("%s: %d gaps, %d records twice", source, len(gaps), again)
		}
		sameLines(t, want, lines(recs))
	}
}
