package care

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func keys(t testing.TB) (ed25519.PublicKey, ed25519.PrivateKey) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return public, private
}

func someOrder() Order {
	return Order{
		Collector: "tottori-a", Municipality: "312011", Version: 7, Issued: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC),
		Text: "inputs:\n  - {source: fw, type: syslog}\n",
	}
}

func someToken() Token {
	return Token{
		Invitation: "abc", Seed: "SUX", URLs: []string{"tls://seccloud.example.jp:4222"}, CA: []byte{1, 2, 3}, Municipality: "312011",
		Collector: "tottori-a", Zone: "internet", OrderKey: "UX", Expires: time.Date(2026, 11, 29, 9, 0, 0, 0, time.UTC),
	}
}

func TestAnOrderIsReadBackAndNoChangedByteOfItIs(t *testing.T) {
	public, private := keys(t)
	sealed, err := someOrder().Seal(private)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Open(sealed, public); err != nil || got != someOrder() {
		t.Fatalf("%+v %v", got, err)
	}
	for i := range sealed {
		forged := bytes.Clone(sealed)
		forged[i] ^= 1
		if _, err := Open(forged, public); !errors.Is(err, ErrOrder) {
			t.Fatalf("byte %d changed: %v", i, err)
		}
	}
	other, _ := keys(t)
	for _, bad := range [][]byte{nil, sealed[:64], sealed[:len(sealed)-1], append(bytes.Clone(sealed), ' '), make([]byte, MaxOrder+1)} {
		if _, err := Open(bad, public); !errors.Is(err, ErrOrder) {
			t.Errorf("%d bytes: %v", len(bad), err)
		}
	}
	if _, err := Open(sealed, other); !errors.Is(err, ErrOrder) {
		t.Errorf("another key: %v", err)
	}
}

func TestWhatIsSignedForAnotherPurposeIsNoOrder(t *testing.T) {
	public, private := keys(t)
	payload, err := json.Marshal(someOrder())
	if err != nil {
		t.Fatal(err)
	}
	bare := append(ed25519.Sign(private, payload), payload...)
	if _, err := Open(bare, public); !errors.Is(err, ErrOrder) {
		t.Errorf("without its domain: %v", err)
	}
	for _, text := range []string{`{}`, `{"collector":"a","municipality":"312011","version":0,"issued":"2026-01-01T00:00:00Z","text":""}`, string(payload) + "{}", `{"x":1}`} {
		signed := append(ed25519.Sign(private, []byte(orderDomain+text)), text...)
		if _, err := Open(signed, public); !errors.Is(err, ErrOrder) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := (Order{Collector: "a"}).Seal(private); err == nil {
		t.Error("an order without a version was sealed")
	}
}

func TestATokenIsReadBackHoweverItWasPasted(t *testing.T) {
	s := someToken().String()
	var wrapped strings.Builder
	for i, r := range s {
		if wrapped.WriteRune(r); i%60 == 59 {
			wrapped.WriteString("\r\n  ")
		}
	}
	for _, text := range []string{s, " " + s + "\n", wrapped.String(), strings.ReplaceAll(wrapped.String(), "  ", "\u3000")} {
		if got, err := ParseToken(text); err != nil || !reflect.DeepEqual(got, someToken()) {
			t.Errorf("%q: %+v %v", text, got, err)
		}
	}
	for _, text := range []string{"", "x", tokenPrefix, s[:len(s)-1], s[:20] + s[21:], s[1:], tokenPrefix + base64.RawURLEncoding.EncodeToString(make([]byte, 9)), strings.Repeat(s, 200)} {
		if _, err := ParseToken(text); !errors.Is(err, ErrToken) {
			t.Errorf("%.80q: %v", text, err)
		}
	}
}

func TestAnyTokenIsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringN(1, 40, -1)
		want := Token{
			Invitation: word.Draw(t, "i"), Seed: word.Draw(t, "s"), URLs: rapid.SliceOfN(word, 1, 3).Draw(t, "u"), CA: rapid.SliceOfN(rapid.Byte(), 1, 50).Draw(t, "a"),
			Municipality: word.Draw(t, "m"), Collector: word.Draw(t, "c"), Zone: word.Draw(t, "z"), OrderKey: word.Draw(t, "o"),
			Expires: time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "e"), 0).UTC(),
		}
		if got, err := ParseToken(want.String()); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%+v %v", got, err)
		}
	})
}

func TestARequestProvesBothKeys(t *testing.T) {
	holderPublic, holder := keys(t)
	ownPublic, own := keys(t)
	r := NewRequest("abc", "U1", holder, own)
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseRequest(b)
	if err != nil || got.Verify(holderPublic, ownPublic) != nil {
		t.Fatalf("%+v %v", got, err)
	}
	_, stranger := keys(t)
	for name, bad := range map[string]Request{
		"another invitation": {Invitation: "abd", Public: r.Public, Holder: r.Holder, Proof: r.Proof},
		"another key":        {Invitation: r.Invitation, Public: "U2", Holder: r.Holder, Proof: r.Proof},
		"swapped":            {Invitation: r.Invitation, Public: r.Public, Holder: r.Proof, Proof: r.Holder},
		"no token":           NewRequest("abc", "U1", stranger, own),
		"no key":             NewRequest("abc", "U1", holder, stranger),
		"nothing":            {Invitation: r.Invitation, Public: r.Public},
	} {
		if bad.Verify(holderPublic, ownPublic) == nil {
			t.Error(name)
		}
	}
}

func TestAPackageIsVerified(t *testing.T) {
	public, private := keys(t)
	s, err := SignPackage(strings.NewReader("program"), private)
	if err != nil {
		t.Fatal(err)
	}
	if err := VerifyPackage(strings.NewReader("program"), s, public); err != nil {
		t.Error(err)
	}
	other, _ := keys(t)
	for _, err := range []error{
		VerifyPackage(strings.NewReader("prograM"), s, public), VerifyPackage(strings.NewReader("program"), s, other),
		VerifyPackage(strings.NewReader("program"), "", public), VerifyPackage(strings.NewReader("program"), "%", public),
	} {
		if !errors.Is(err, ErrPackage) {
			t.Error(err)
		}
	}
}

func FuzzToken(f *testing.F) {
	f.Add(someToken().String())
	f.Add(tokenPrefix + "AAAA")
	f.Fuzz(func(t *testing.T, s string) {
		tok, err := ParseToken(s)
		if err != nil {
			return
		}
		if again, err := ParseToken(tok.String()); err != nil || again.String() != tok.String() {
			t.Errorf("%+v %v", again, err)
		}
	})
}

// FuzzOrder signs whatever comes, as a prefecture gone mad would.
func FuzzOrder(f *testing.F) {
	seed := make([]byte, ed25519.SeedSize)
	key := ed25519.NewKeyFromSeed(seed)
	payload, err := json.Marshal(someOrder())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(payload, true)
	f.Add([]byte("{}"), false)
	f.Fuzz(func(t *testing.T, payload []byte, signed bool) {
		sealed := append(make([]byte, ed25519.SignatureSize), payload...)
		if signed {
			sealed = append(ed25519.Sign(key, append([]byte(orderDomain), payload...)), payload...)
		}
		o, err := Open(sealed, key.Public().(ed25519.PublicKey))
		if err == nil && (!signed || o.Version == 0 || o.Collector == "") {
			t.Errorf("%+v was taken", o)
		}
	})
}

func FuzzRequest(f *testing.F) {
	holder, own := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, 32)), ed25519.NewKeyFromSeed(bytes.Repeat([]byte{2}, 32))
	other, err := json.Marshal(NewRequest("a", "U", own, holder))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(other)
	f.Add([]byte(`{"invitation":"a","public":"U","holder":"","proof":""}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := ParseRequest(b)
		if err == nil && r.Verify(holder.Public().(ed25519.PublicKey), own.Public().(ed25519.PublicKey)) == nil {
			t.Errorf("%s was taken without the keys", b)
		}
	})
}

func FuzzHeartbeat(f *testing.F) {
	f.Add([]byte(`{"collector":"a","sources":[{"source":"fw","dropped":{"x":1}}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if h, err := ParseHeartbeat(b); err == nil {
			if _, err := json.Marshal(h); err != nil {
				t.Error(err)
			}
		}
	})
}

func FuzzTurn(f *testing.F) {
	f.Add([]byte(`{"bytes":98304}`))
	f.Add([]byte(`{"bytes":1e30}`))
	f.Add([]byte(`{"bytes":-1}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		turn, err := ParseTurn(b)
		if ok := turn.Bytes > 0 && turn.Bytes <= mostTurn; ok != (err == nil) {
			t.Errorf("%s: %d bytes, %v", b, turn.Bytes, err)
		}
	})
}
