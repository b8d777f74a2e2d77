package format

import "testing"

func builtinSet(t testing.TB) *Set {
	t.Helper()
	s, err := Builtin()
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
