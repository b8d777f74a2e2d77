package lock

import (
	"errors"
	"path/filepath"
	"testing"
)

func TestAFolderHasOneOwnerAtATime(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	unlock, err := Dir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Dir(dir); !errors.Is(err, ErrHeld) {
		t.Fatalf("a second owner: %v", err)
	}
	unlock()
	again, err := Dir(dir)
	if err != nil {
		t.Fatal(err)
	}
	again()
}
