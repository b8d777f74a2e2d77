package archive

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// november is what the tests erase.
func november(request string) Certificate {
	at := time.Date(2026, 12, 1, 9, 0, 0, 0, time.UTC)
	return Certificate{
		Request: request, Municipality: "312011", Month: "2026-11", Reason: "保存期間満了\n2年",
		Requested: Act{at, "kanri", "prefecture"}, Approved: Act{at.Add(time.Hour), "tottori", "312011"},
		Begun: at.AddDate(0, 0, 7), Ended: at.AddDate(0, 0, 7).Add(time.Minute),
		Removed: []Removal{{"archive keys / アーカイブの鍵", 1}, {"event store", 12345}},
	}
}

// erase destroys the keys of november and certifies it.
func (k *kit) erase(request string) string {
	k.t.Helper()
	if _, err := k.keys.Destroy("312011", "2026-11"); err != nil {
		k.t.Fatal(err)
	}
	return k.certify(november(request))
}

func (k *kit) certify(c Certificate) string {
	k.t.Helper()
	name, err := k.a.Certify(c)
	if err != nil {
		k.t.Fatal(err)
	}
	return name
}

func TestVerifySaysWhatWasErasedAndTheRestIsUntouched(t *testing.T) {
	k := newKit(t, 1)
	k.fill(11, 2) // 2026-11-22 to 2026-12-02
	copied := filepath.Join(t.TempDir(), "keys")
	if err := os.CopyFS(copied, os.DirFS(filepath.Join(k.dir, "keys"))); err != nil {
		t.Fatal(err)
	}
	before := k.verify(Check{Keys: k.keys})
	name := k.erase("7")
	for _, c := range []Check{{}, {Keys: k.keys}, {Anchor: k.anchor()}} {
		r := k.verify(c)
		if !r.Whole() || !r.Complete() || r.Frames != before.Frames || len(r.Certificates) != 1 {
			t.Fatalf("%+v", r)
		}
		e := r.Certificates[0]
		if e.Municipality != "312011" || e.Month != "2026-11" || e.Certificate != name || e.Requested != "kanri (prefecture)" || e.Approved != "tottori (312011)" || e.Readable != 0 {
			t.Errorf("%+v", e)
		}
		if c.Keys != nil && (r.Opened != before.Opened-9*4 || r.Unopened[ErrErased.Error()] != 9*4 || !slices.Equal(r.Erased["312011"], []string{"2026-11"}) || len(r.Erased) != 1) {
			t.Errorf("opened %d of %d, not %v, erased %v", r.Opened, before.Opened, r.Unopened, r.Erased)
		}
	}
	keys, err := OpenKeys(copied, k.operator)
	if err != nil {
		t.Fatal(err)
	}
	if r := k.verify(Check{Keys: keys}); !r.Whole() || r.Certificates[0].Readable != 9*4 {
		t.Errorf("a copy of the key opens the month, and verify says %+v", r.Certificates)
	}
}

func TestACertificateNamesTheDaysThatWereErased(t *testing.T) {
	k := newKit(t, 2)
	k.fill(9, 1)
	k.append(k.frame("312011", "fw"))
	k.step()
	if _, err := k.a.Certify(Certificate{Municipality: "312011", Month: "2026-12", Requested: Act{}, Approved: Act{}}); err == nil {
		t.Error("a day that is not signed was certified")
	}
	text, err := k.a.CertificateText(k.erase("7"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := ParseCertificate(text)
	if err != nil || len(c.Days) != 9 || c.Reason != "保存期間満了 2年" || c.Removed[0].Place != "archive keys / アーカイブの鍵" || c.Removed[1].Count != 12345 {
		t.Fatalf("%+v %v", c, err)
	}
	for _, d := range c.Days {
		m, hash, err := parseManifest(k.read("312011/" + d.Day + manifestSuffix))
		if err != nil || d.Manifest != hash || d.Root != m.Root || d.Frames != m.Frames || d.Bytes != m.Bytes {
			t.Errorf("%s: %+v, %v", d.Day, d, err)
		}
	}
	for _, bad := range []string{"state.json", "erasures/1.certificate", "erasures/../state.json", "../archive.key"} {
		if text, err := k.a.CertificateText(bad); err == nil {
			t.Errorf("%s: %.40q", bad, text)
		}
	}
}

func TestACertificateIsWrittenOnceAlsoAfterACrash(t *testing.T) {
	k := newKit(t, 3)
	k.fill(9, 1)
	first := k.erase("7")
	state := k.read(stateFile)
	second := k.certify(november("8"))
	third := november("8")
	third.Requested.At = third.Requested.At.Add(time.Hour) // the register was restored, and counts anew
	if again := k.certify(november("7")); again != first || second == first {
		t.Fatalf("%s, %s, again %s", first, second, again)
	}
	if err := k.a.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(k.folder(), stateFile), state, 0o600); err != nil {
		t.Fatal(err)
	}
	k.open()
	if again := k.certify(november("8")); again != second {
		t.Errorf("after a crash: %s, want %s", again, second)
	}
	if name := k.certify(third); name != certificateName(3) {
		t.Errorf("another request is %s", name)
	}
	if r := k.verify(Check{}); !r.Whole() || len(r.Certificates) != 3 {
		t.Errorf("%+v", r)
	}
	if err := k.a.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(k.folder(), stateFile)); err != nil {
		t.Fatal(err)
	}
	k.open()
	if k.a.state.Certified.Number != 3 {
		t.Errorf("a state made anew knows %d certificates", k.a.state.Certified.Number)
	}
	if months, err := k.a.Months("312011"); err != nil || len(months) != 0 {
		t.Errorf("not erased: %v, %v", months, err)
	}
	if months, err := k.a.Months("313025"); err != nil || !slices.Equal(months, []string{"2026-11"}) {
		t.Errorf("not erased: %v, %v", months, err)
	}
}

func TestHeadsNameCertificatesAndOlderHeadsStillVerify(t *testing.T) {
	k := newKit(t, 4)
	k.fill(9, 1)
	old := k.read("heads/2026-11-30.head")
	anchor := k.anchor()
	if bytes.Contains(old, []byte("erasures")) {
		t.Errorf("nothing was erased: %s", old)
	}
	name := k.erase("7")
	k.fill(1, 1)
	if head := k.read("heads/2026-12-01.head"); !bytes.Contains(head, []byte("\nerasures 1 ")) {
		t.Errorf("%s", head)
	}
	if r := k.verify(Check{Anchor: anchor}); !r.Whole() {
		t.Errorf("%+v", r.Findings)
	}
	to := Folder(t.TempDir())
	if err := Ship(t.Context(), k.folder(), to); err != nil {
		t.Fatal(err)
	}
	r, err := Verify(t.Context(), Check{Dir: string(to)})
	if err != nil || !r.Whole() || len(r.Certificates) != 1 {
		t.Errorf("a copy: %+v, %v", r, err)
	}
	there, err := to.Names(t.Context())
	if err != nil || !there[name] {
		t.Errorf("%v %v", there, err)
	}
}

// TestTamperedCertificatesAreNamed changes certificates in every way.
func TestTamperedCertificatesAreNamed(t *testing.T) {
	k := newKit(t, 5)
	k.fill(9, 1)
	names := []string{k.erase("7"), k.certify(november("8")), k.certify(november("9"))}
	noHead := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(noHead, os.DirFS(k.folder())); err != nil {
		t.Fatal(err)
	}
	k.fill(1, 1)
	rapid.Check(t, func(r *rapid.T) {
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(k.folder())); err != nil {
			r.Fatal(err)
		}
		v := &victim{t: r, dir: dir}
		name := rapid.SampledFrom(names).Draw(r, "certificate")
		text := v.read(name)
		var kinds []Kind
		switch rapid.SampledFrom([]string{"edit", "cut", "resign", "remove", "swap", "insert", "manifest"}).Draw(r, "crime") {
		case "edit":
			text[v.int(0, len(text)-1, "byte")] ^= byte(v.int(1, 255, "by"))
			v.write(name, text)
			kinds = []Kind{Edited, Resigned}
		case "cut":
			v.write(name, text[:v.int(0, len(text)-1, "to")])
			kinds = []Kind{Edited}
		case "resign":
			v.write(name, resign(bytes.Replace(text, []byte("tottori"), []byte("nobody"), 1), otherKey))
			kinds = []Kind{Resigned}
		case "remove":
			_ = os.Remove(v.path(name))
			kinds = []Kind{Missing}
		case "swap":
			other := rapid.SampledFrom(slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == name })).Draw(r, "other")
			v.write(name, v.read(other))
			kinds = []Kind{Replayed}
		case "insert":
			name = "erasures/notes.txt"
			v.write(name, []byte("x"))
			kinds = []Kind{Inserted}
		case "manifest":
			name = "312011/2026-11-25.manifest"
			v.write(name, resign(v.read(name), otherKey))
			kinds = []Kind{Resigned}
		}
		report, err := Verify(t.Context(), Check{Dir: dir})
		if err != nil {
			r.Fatal(err)
		}
		if !slices.ContainsFunc(report.Findings, func(f Finding) bool { return f.File == name && slices.Contains(kinds, f.Kind) }) {
			r.Fatalf("%s is not named: %+v", name, report.Findings)
		}
		if len(report.Certificates) > len(names) || len(report.Findings) > 3 {
			r.Errorf("%+v", report)
		}
	})
	// One that is removed before any head names it is noticed by the next.
	if err := os.Remove(filepath.Join(noHead, filepath.FromSlash(names[2]))); err != nil {
		t.Fatal(err)
	}
	a, err := Open(Config{Dir: noHead, Keys: k.keys, Sign: signKey, Now: func() time.Time { return k.now }, Log: k.a.cfg.Log})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Append(t.Context(), []Arrival{k.frame("312011", "late")}); err != nil {
		t.Fatal(err)
	}
	k.now = k.now.AddDate(0, 0, 1)
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := Verify(t.Context(), Check{Dir: noHead})
	if err != nil || !slices.ContainsFunc(r.Findings, func(f Finding) bool {
		return f.Kind == Missing && f.File == names[2] && strings.Contains(f.Text, "heads/")
	}) {
		t.Errorf("%+v, %v", r.Findings, err)
	}
}

// FuzzCertificate reads any bytes as a certificate: what is read is written and
// read again the same.
func FuzzCertificate(f *testing.F) {
	c := november("7")
	c.Number = 1
	f.Add(c.text(signKey))
	c.Days, c.Standing, c.Number = []ErasedDay{{Day: "2026-11-22", Frames: 3, Bytes: 9, Root: [32]byte{1}, Manifest: [32]byte{2}}}, "4", 2
	c.Previous = [32]byte{3}
	f.Add(c.text(signKey))
	f.Add(bytes.Replace(c.text(signKey), []byte("month"), []byte("month "), 1))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := ParseCertificate(b)
		if err != nil && !errors.Is(err, ErrSignature) {
			return
		}
		text := c.text(signKey)
		again, err := ParseCertificate(text)
		if err != nil {
			t.Fatalf("%v of\n%s", err, text)
		}
		if second := again.text(signKey); !bytes.Equal(text, second) {
			t.Fatalf("%s\nis not\n%s", second, text)
		}
	})
}
