package archive

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

// evidence takes all of one source out.
func evidence(t testing.TB, k *kit) []byte {
	t.Helper()
	var out bytes.Buffer
	n, err := Extract(k.folder(), k.keys, Selection{Collector: "col-312011", Source: "fw", First: 2, Last: 12}, k.now, &out)
	if err != nil || n == 0 {
		t.Fatal(n, err)
	}
	return out.Bytes()
}

func TestEvidenceIsAcceptedAlone(t *testing.T) {
	k := newKit(t, 21)
	k.fill(2, 5)
	r, err := VerifyEvidence(bytes.NewReader(evidence(t, k)), k.anchor())
	if err != nil || len(r.Wrong) > 0 || r.Lines != 11 || len(r.Proved) != r.Frames || r.Frames < 3 {
		t.Fatalf("%+v %v", r, err)
	}
	if !strings.HasPrefix(r.Proved[0].Lines[0].Plain, "line ") || r.Proved[0].Lines[0].Seq != 2 {
		t.Fatalf("%+v", r.Proved[0])
	}
	k.append(k.frame("312011", "later"))
	k.step()
	if _, err := Extract(k.folder(), k.keys, Selection{Source: "later"}, k.now, &bytes.Buffer{}); err == nil || !strings.Contains(err.Error(), "not signed yet") {
		t.Fatal(err)
	}
	if _, err := k.keys.Destroy("312011", "2026-11"); err != nil {
		t.Fatal(err)
	}
	if _, err := Extract(k.folder(), k.keys, Selection{}, k.now, &bytes.Buffer{}); !errors.Is(err, ErrErased) {
		t.Fatal(err)
	}
}

func TestEvidenceThatWasTouchedIsRefused(t *testing.T) {
	k := newKit(t, 22)
	k.fill(2, 5)
	whole := evidence(t, k)
	for name, touch := range map[string]func(x *Evidence){
		"a line":                func(x *Evidence) { x.Frames[1].Lines[0].Text[0] ^= 1 },
		"a line as it is shown": func(x *Evidence) { x.Frames[1].Lines[0].Plain = "other" },
		"when it was received":  func(x *Evidence) { x.Frames[1].Lines[0].Received = "2026-11-22T00:00:00Z" },
		"a line's number":       func(x *Evidence) { x.Frames[1].Lines[0].Seq++ },
		"a frame":               func(x *Evidence) { x.Frames[1].Frame[300] ^= 1 },
		"another frame":         func(x *Evidence) { x.Frames[1].Frame = x.Frames[0].Frame },
		"a header":              func(x *Evidence) { x.Frames[1].Header[30] ^= 1 },
		"a path":                func(x *Evidence) { x.Frames[1].Path[0][0] ^= 1 },
		"a place":               func(x *Evidence) { x.Frames[1].Number++ },
		"place 0":               func(x *Evidence) { x.Frames[1].Number = 0 },
		"a day":                 func(x *Evidence) { x.Frames[1].Day = len(x.Manifests) },
		"a manifest":            func(x *Evidence) { x.Manifests[0] = strings.Replace(x.Manifests[0], "frames ", "frames 1", 1) },
		"the signer":            func(x *Evidence) { x.Manifests[0] = string(resign([]byte(x.Manifests[0]), otherKey)) },
	} {
		var x Evidence
		if err := json.Unmarshal(whole, &x); err != nil {
			t.Fatal(err)
		}
		touch(&x)
		b, err := json.Marshal(x)
		if err != nil {
			t.Fatal(err)
		}
		if r, err := VerifyEvidence(bytes.NewReader(b), k.anchor()); err != nil || len(r.Wrong) == 0 {
			t.Errorf("%s: %+v %v", name, r, err)
		}
	}
}

func FuzzEvidence(f *testing.F) {
	k := newKit(f, 23)
	k.fill(1, 2)
	f.Add(evidence(f, k))
	f.Add([]byte(`{"title":"` + evidenceTitle + `","frames":[{"day":0}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := VerifyEvidence(bytes.NewReader(b), nil)
		if err == nil && len(r.Proved)+len(r.Wrong) < r.Frames {
			t.Fatalf("%+v", r)
		}
	})
}
