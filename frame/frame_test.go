package frame

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func key(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
}

func head() Header {
	return Header{Collector: "tottori-a", Municipality: "312011", Zone: "internet", Source: "fw", Epoch: 1}
}

func seal(t testing.TB, w *Writer) *Frame {
	t.Helper()
	f, err := w.Seal()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func newWriter(t testing.TB) *Writer {
	t.Helper()
	w, err := NewWriter(head(), key(1))
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func newUnpacker(t testing.TB) *Unpacker {
	t.Helper()
	u, err := NewUnpacker()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(u.Close)
	return u
}

func TestRoundTripKeepsEveryByte(t *testing.T) {
	u := newUnpacker(t)
	rapid.Check(t, func(rt *rapid.T) {
		w := newWriter(t)
		n := rapid.IntRange(1, 40).Draw(rt, "n")
		var want []Record
		for range n {
			r := Record{
				Line:     string(rapid.SliceOf(rapid.Byte()).Draw(rt, "line")),
				Received: rapid.Int64Range(0, 1<<52).Draw(rt, "received"),
				Peer:     rapid.SampledFrom([]string{"", "192.0.2.1:514", "b"}).Draw(rt, "peer"),
				Input:    "syslog-tcp", File: rapid.SampledFrom([]string{"", "/var/log/a"}).Draw(rt, "file"),
				Offset:  rapid.Int64Range(0, 1<<40).Draw(rt, "offset"),
				Charset: rapid.SampledFrom([]string{"", "cp932", "euc-jp"}).Draw(rt, "charset"),
				Masked:  rapid.SampledFrom([]uint32{0, 1, 300}).Draw(rt, "masked"),
				Header:  rapid.SampledFrom([]string{"", "名称,発生日時", "a,b"}).Draw(rt, "header"),
			}
			if got := w.Add(&r); got != uint64(len(want)+1) {
				rt.Fatalf("sequence %d for record %d", got, len(want)+1)
			}
			if r.Charset != "" || strings.ToValidUTF8(r.Line, "") != r.Line {
				r.Flags |= NotUTF8
			}
			want = append(want, r)
		}
		f, err := Parse(seal(t, w).Bytes)
		if err != nil {
			rt.Fatal(err)
		}
		if err := f.Verify(key(1).Public().(ed25519.PublicKey)); err != nil {
			rt.Fatal(err)
		}
		got, err := u.Unpack(f, nil)
		if err != nil {
			rt.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			rt.Fatal(d)
		}
	})
}

func TestChainAndSequencesGoOnFromFrameToFrame(t *testing.T) {
	w := newWriter(t)
	w.Add(&Record{Line: "a"})
	w.Add(&Record{Line: "b"})
	f := seal(t, w)
	w.Add(&Record{Line: "c"})
	g := seal(t, w)
	if g.First != 3 || g.Prev != f.Hash() || f.Prev != (Hash{}) {
		t.Errorf("first %d, prev fits %v", g.First, g.Prev == f.Hash())
	}
	if none := seal(t, w); none != nil {
		t.Error("sealed a frame without records")
	}
}

func TestGapStandsForTheFramesItReplaces(t *testing.T) {
	w := newWriter(t)
	var frames []*Frame
	for i := range 4 {
		for range i + 1 {
			w.Add(&Record{Line: "line", Received: int64(1000 * (i + 1))})
		}
		frames = append(frames, seal(t, w))
	}
	gap, err := SealGap(frames[1], frames[2], "spool full", key(1))
	if err != nil {
		t.Fatal(err)
	}
	got, err := Parse(gap.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	if err := got.Verify(key(1).Public().(ed25519.PublicKey)); err != nil {
		t.Error(err)
	}
	_, reason := got.Gap()
	if got.First != 2 || got.Last() != 6 || got.From != 2000 || got.To != 3000 || reason != "spool full" {
		t.Errorf("gap %d-%d, %d-%d, %q", got.First, got.Last(), got.From, got.To, reason)
	}
	if got.Prev != frames[0].Chained() || frames[3].Prev != got.Chained() {
		t.Error("the chain does not hold")
	}
	wider, err := SealGap(frames[0], got, "spool full", key(1))
	if err != nil || wider.Chained() != frames[3].Prev || wider.Count != 6 {
		t.Errorf("a gap grown by a gap: %v", err)
	}
	if _, err := SealGap(frames[2], frames[1], "", key(1)); err == nil {
		t.Error("a range that ends before it begins was sealed")
	}
}

func TestOverlongLineIsCutAndSaysSo(t *testing.T) {
	w := newWriter(t)
	w.Add(&Record{Line: strings.Repeat("x", 10<<20)})
	got, err := newUnpacker(t).Unpack(seal(t, w), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(got[0].Line) != MaxLine || got[0].Flags != Truncated || got[0].Total != 10<<20 {
		t.Errorf("len %d flags %b total %d", len(got[0].Line), got[0].Flags, got[0].Total)
	}
}

func TestOverlongNamesDoNotMixUpTheOthers(t *testing.T) {
	w, long := newWriter(t), strings.Repeat("x", MaxLine)
	for i, header := range []string{long + "a", long + "b", "id,name"} {
		w.Add(&Record{Line: "x", Header: header, File: fmt.Sprint("file", i)})
	}
	f, err := Parse(seal(t, w).Bytes)
	if err != nil {
		t.Fatal(err)
	}
	recs, err := newUnpacker(t).Unpack(f, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, header := range []string{long, long, "id,name"} {
		if recs[i].Header != header || recs[i].File != fmt.Sprint("file", i) {
			t.Errorf("record %d: header of %d bytes, file %q", i, len(recs[i].Header), recs[i].File)
		}
	}
}

func TestAnyFlippedBitIsRefused(t *testing.T) {
	w := newWriter(t)
	for range 20 {
		w.Add(&Record{Line: "date=2026-11-22 action=deny", Peer: "192.0.2.7:4000"})
	}
	good := seal(t, w).Bytes
	pub := key(1).Public().(ed25519.PublicKey)
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 1 << (i % 8)
		f, err := Parse(bad)
		if err == nil {
			err = f.Verify(pub)
		}
		if !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrDigest) && !errors.Is(err, ErrSignature) {
			t.Fatalf("byte %d: %v", i, err)
		}
	}
	f, err := Parse(good)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Verify(key(2).Public().(ed25519.PublicKey)); !errors.Is(err, ErrSignature) {
		t.Errorf("another key: %v", err)
	}
}

func TestLedgerAgreesWithASetOfNumbers(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		l, k := NewLedger(), Key{"c", "s", 1}
		e := l.Entry(k, "312011", "")
		set, top := map[uint64]bool{}, uint64(0)
		for range rapid.IntRange(1, 30).Draw(rt, "n") {
			first := uint64(rapid.IntRange(1, 60).Draw(rt, "first"))
			r := Range{first, first + uint64(rapid.IntRange(0, 9).Draw(rt, "len"))}
			whole := true
			for s := r.First; s <= r.Last; s++ {
				whole = whole && set[s]
			}
			if l.Has(k, r) != whole || l.Add(e, r, Counts{}) == whole {
				rt.Fatalf("range %v: whole is %v", r, whole)
			}
			for s := r.First; s <= r.Last; s++ {
				set[s] = true
			}
			top = max(top, r.Last)
		}
		if e.Received() != uint64(len(set)) || e.Lost() != top-uint64(len(set)) {
			rt.Fatalf("received %d of %d, lost %d, top %d", e.Received(), len(set), e.Lost(), top)
		}
		for i := 1; i < len(e.Ranges); i++ {
			if e.Ranges[i-1].Last+1 >= e.Ranges[i].First {
				rt.Fatalf("not merged: %v", e.Ranges)
			}
		}
	})
}

func TestWhatWasGivenUpCountsOnlyWhereNothingArrived(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		l, k := NewLedger(), Key{"c", "s", 1}
		e := l.Entry(k, "312011", "")
		arrived, dropped := map[uint64]bool{}, map[uint64]bool{}
		for range rapid.IntRange(1, 30).Draw(rt, "n") {
			first := uint64(rapid.IntRange(1, 60).Draw(rt, "first"))
			r := Range{first, first + uint64(rapid.IntRange(0, 9).Draw(rt, "len"))}
			if rapid.Bool().Draw(rt, "gap") {
				for _, p := range l.Fill(e, r) {
					for s := p.First; s <= p.Last; s++ {
						if arrived[s] || dropped[s] || s < r.First || s > r.Last {
							rt.Fatalf("%d of %v is no news", s, r)
						}
						dropped[s] = true
					}
				}
			} else if l.Add(e, r, Counts{}) {
				for s := r.First; s <= r.Last; s++ {
					if !dropped[s] {
						arrived[s] = true
					}
				}
			}
			for s := r.First; s <= r.Last; s++ {
				if !arrived[s] && !dropped[s] {
					rt.Fatalf("%d is in no account", s)
				}
			}
		}
		if e.Dropped != uint64(len(dropped)) || e.Received() != uint64(len(dropped)+len(arrived)) {
			rt.Fatalf("%+v, %d arrived, %d dropped", e, len(arrived), len(dropped))
		}
	})
}

func FuzzParse(f *testing.F) {
	w := newWriter(f)
	w.Add(&Record{Line: "hello", Peer: "p"})
	fuzzed := seal(f, w)
	f.Add(fuzzed.Bytes)
	f.Add([]byte("MMFR\x01"))
	u := newUnpacker(f)
	g, err := SealGap(fuzzed, fuzzed, "spool full", key(1))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(g.Bytes)
	f.Fuzz(func(t *testing.T, b []byte) {
		fr, err := Parse(b)
		if err != nil {
			return
		}
		if recs, err := u.Unpack(fr, nil); err == nil && fr.Kind == Lines && len(recs) != int(fr.Count) {
			t.Fatalf("%d records, header says %d", len(recs), fr.Count)
		}
	})
}

// FuzzUnpack feeds hostile payload bytes past the digest.
func FuzzUnpack(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 'x', 0, 0, 0, 0, 0, 0, 0, 1}, uint32(1))
	f.Fuzz(func(t *testing.T, body []byte, count uint32) {
		fr := &Frame{Header: Header{Count: count % MaxRecords, Unpacked: uint32(len(body))}}
		if recs, ok := unpack(body, fr, nil); ok && len(recs) != int(fr.Count) {
			t.Fatalf("%d records for %d", len(recs), fr.Count)
		}
	})
}

func BenchmarkSeal(b *testing.B) {
	w := newWriter(b)
	line := `date=2026-11-22 time=10:00:00 devname="fw01" devid="FG100" eventtime=1763773200 tz="+0900" logid="0000000013" type="traffic" subtype="forward" level="notice" srcip=10.1.2.3 srcport=51234 dstip=203.0.113.9 dstport=443 action="accept" policyid=5 service="HTTPS"`
	b.SetBytes(int64(len(line)))
	for i := range b.N {
		w.Add(&Record{Line: line[:len(line)-i%7], Received: int64(i)})
		if w.Size() > 512<<10 {
			seal(b, w)
		}
	}
}
