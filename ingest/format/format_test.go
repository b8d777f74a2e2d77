package format

import (
	"sync"
	"testing"
)

// builtinOnce is loaded once: a set does not change.
var builtinOnce = sync.OnceValues(Builtin)

func builtinSet(t testing.TB) *Set {
	t.Helper()
	s, err := builtinOnce()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestEveryFormatPassesItsOwnTests(t *testing.T) {
	for _, f := range Test(builtinSet(t)) {
		t.Error(f)
	}
}
