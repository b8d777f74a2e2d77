package app

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"mimamori/event"
	"mimamori/soc"
	"mimamori/store"
)

func TestABackupIsRestoredWhileTheServiceWorks(t *testing.T) {
	ctx, data := context.Background(), t.TempDir()
	db, err := soc.Open(ctx, filepath.Join(data, "soc.db"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s, err := store.Open(filepath.Join(data, "events"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	b, x := new(event.Batch), new(event.Builder)
	x.Set(event.MustLookup("user.name"), event.String("sato"))
	b.Append(x, event.Ref{Collector: "c", Source: "s", Seq: 1})
	if err := s.Commit(ctx, store.Commit{Batches: []*event.Batch{b}}); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"ingest/checkpoint": "{}", "bus/stream": "x", "order.nk": "key", "reparse/request": "x", "ingest/x.tmp": "x", "archive/x": "x", "archive-keys/x": "x", "archive.key": "x"} {
		path := filepath.Join(data, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	to, back := filepath.Join(t.TempDir(), "copy"), filepath.Join(t.TempDir(), "data")
	if _, _, err := Restore(ctx, to, back, nil); err == nil {
		t.Error("what is no backup was restored")
	}
	saved, err := Backup(ctx, data, to, nil, time.Now())
	if err != nil || saved.Events.Segments != 1 || saved.Files != 3 {
		t.Fatalf("%+v %v", saved, err)
	}
	if _, err := Backup(ctx, data, to, nil, time.Now()); err == nil {
		t.Error("a backup was written over")
	}
	if _, _, err := Restore(ctx, to, back, nil); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Restore(ctx, to, back, nil); err == nil {
		t.Error("a data folder was written over")
	}
	again, err := store.Open(filepath.Join(back, "events"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if n, err := again.Count(ctx, event.Query{Text: `user.name == "sato"`}); n != 1 || err != nil {
		t.Error(n, err)
	}
	restored, err := soc.Open(ctx, filepath.Join(back, "soc.db"), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer restored.Close()
	for name, want := range map[string]bool{"ingest/checkpoint": true, "order.nk": true, "bus/stream": false, "reparse/request": false, "ingest/x.tmp": false, "archive/x": false, "archive-keys/x": false, "archive.key": false} {
		if _, err := os.Stat(filepath.Join(back, name)); (err == nil) != want {
			t.Errorf("%s is there: %v", name, err == nil)
		}
	}
}
