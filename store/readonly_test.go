package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"mimamori/event"
)

func TestReaderSeesWhatIsCommittedAndChangesNothing(t *testing.T) {
	dir := t.TempDir()
	w, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	x, b := new(event.Builder), new(event.Batch)
	for i := range 10 {
		x.Set(event.MustLookup("message"), event.String("hello"))
		b.Append(x, event.Ref{Collector: "c", Source: "s", Epoch: 1, Seq: uint64(i%9 + 1)}) // the last one twice
	}
	if err := w.Commit(t.Context(), Commit{Batches: []*event.Batch{b}}); err != nil {
		t.Fatal(err)
	}
	tmp := filepath.Join(dir, "seg-1-1.parquet.tmp")
	bad := filepath.Join(dir, "seg-2-1.parquet")
	for _, p := range []string{tmp, bad} {
		if err := os.WriteFile(p, []byte("half written"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r, err := Open(dir, Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	n, err := r.Count(context.Background(), event.Query{Text: "hello"})
	if err != nil || n != 10 {
		t.Errorf("%d events, %v", n, err)
	}
	if twice, err := r.Duplicates(t.Context()); err != nil || twice != 1 {
		t.Errorf("%d duplicates, %v", twice, err)
	}
	if err := r.Commit(t.Context(), Commit{Batches: []*event.Batch{b}}); !errors.Is(err, ErrReadOnly) {
		t.Errorf("commit: %v", err)
	}
	for _, p := range []string{tmp, bad} {
		if _, err := os.Stat(p); err != nil {
			t.Error(err)
		}
	}
}
