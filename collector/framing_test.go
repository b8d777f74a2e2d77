package collector

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func yes(int) bool { return true }

// cut feeds the stream in pieces of the sizes given, in turn, and describes the
// messages: the line, or its beginning and total length when it was cut.
func cut(s *splitter, stream []byte, sizes ...int) (out []string) {
	show := func(m message) {
		if m.cut {
			out = append(out, fmt.Sprintf("%.8s…%d/%d", m.line, len(m.line), m.total))
		} else if len(m.line) > 0 {
			out = append(out, string(m.line))
		}
	}
	for i := 0; len(stream) > 0; i++ {
		space := s.space()
		n := copy(space[:min(len(space), max(1, sizes[i%len(sizes)]))], stream)
		s.w += n
		stream = stream[n:]
		for {
			m, ok := s.next()
			if !ok {
				break
			}
			show(m)
		}
	}
	if m, ok := s.rest(); ok {
		show(m)
	}
	return out
}

func TestStreamsAreCutIntoMessages(t *testing.T) {
	long := strings.Repeat("x", 3000)
	for name, x := range map[string]struct {
		stream string
		want   []string
		bad    int64
	}{
		"newlines":                       {"<13>a\n<13>b\r\n\n<13>c\n", []string{"<13>a", "<13>b", "<13>c"}, 0},
		"counts":                         {"5 <13>a6 <13>bb", []string{"<13>a", "<13>bb"}, 0},
		"counts hold newlines":           {"7 <1>a\nbc5 <13>a", []string{"<1>a\nbc", "<13>a"}, 0},
		"counts with newlines behind":    {"5 <13>a\n6 <13>bb\n", []string{"<13>a", "<13>bb"}, 0},
		"mixed":                          {"5 <13>a<13>line\n5 <13>c<13>d\n", []string{"<13>a", "<13>line", "<13>c", "<13>d"}, 0},
		"a number is no count":           {"2026 Nov 22 started\n123\n12 \n7\n", []string{"2026 Nov 22 started", "123", "12 ", "7"}, 0},
		"an absurd count":                {"99999999999 <13>a\n<13>b\n", []string{"99999999999 <13>a", "<13>b"}, 1},
		"a count with a zero before":     {"007 <13>a\n", []string{"007 <13>a"}, 1},
		"a count that is too small":      {"4 <13>rest\n<13>b\n", []string{"<13>", "rest", "<13>b"}, 1},
		"NUL and CRLF go at the end":     {"<13>a\x00b\x00\r\n\x00\n", []string{"<13>a\x00b"}, 0},
		"blanks stay":                    {"  <13>a \n", []string{"  <13>a "}, 0},
		"no UTF-8":                       {"<13>\xff\x81\x40\n", []string{"<13>\xff\x81\x40"}, 0},
		"a long line":                    {"<13>" + long + "\n<13>b\n", []string{"<13>xxxx…1000/3004", "<13>b"}, 0},
		"a long counted message":         {"3004 <13>" + long + "<13>b\n", []string{"<13>xxxx…1000/3004", "<13>b"}, 0},
		"NUL at the end":                 {"<13>a\x00<13>b\x00<13>c\x00", []string{"<13>a", "<13>b", "<13>c"}, 0},
		"NUL and lines with newlines":    {"<13>a\x00<13>b\nc\x00<13>d\x00", []string{"<13>a", "<13>b", "c", "<13>d"}, 0},
		"NUL, and inside after newline":  {"<13>a\x00<13>b\n<13>c\x00c\n", []string{"<13>a", "<13>b", "<13>c\x00c"}, 0},
		"NUL behind the newline":         {"<13>a\n\x00<13>b\n\x00\x005 <13>c\x005 <13>d", []string{"<13>a", "<13>b", "<13>c", "<13>d"}, 0},
		"NUL before something else":      {"<13>a\x00<x\n<13>b\x00", []string{"<13>a\x00<x", "<13>b"}, 0},
		"NUL behind a long line":         {"<13>" + long + "\x00<13>b\n", []string{"<13>xxxx…1000/3010"}, 0},
		"a mark before the first count":  {"\xef\xbb\xbf5 <13>a5 <13>b", []string{"<13>a", "<13>b"}, 0},
		"a mark before each priority":    {"8 \xef\xbb\xbf<13>a8 \xef\xbb\xbf<13>b", []string{"\xef\xbb\xbf<13>a", "\xef\xbb\xbf<13>b"}, 0},
		"a mark before a line":           {"\xef\xbb\xbf<13>a\n\xef\xbbx\n", []string{"\xef\xbb\xbf<13>a", "\xef\xbbx"}, 0},
		"a count before a mark only":     {"8 \xef\xbb\xbfx\n", []string{"8 \xef\xbb\xbfx"}, 0},
		"the end within a line":          {"<13>a\n<13>b", []string{"<13>a", "<13>b…5/5"}, 0},
		"the end within a count":         {"<13>a\n20 <13>b", []string{"<13>a", "<13>b…5/20"}, 0},
		"the end within a number":        {"<13>a\n20", []string{"<13>a", "20…2/2"}, 0},
		"the end within a long line":     {"<13>" + long, []string{"<13>xxxx…1000/3004"}, 0},
		"the end within a long counted ": {"9999 <13>" + long, []string{"<13>xxxx…1000/9999"}, 0},
	} {
		for _, size := range []int{1, 2, 3, 7, 1 << 20} {
			s := &splitter{limit: 1000, grow: yes}
			if d := cmp.Diff(x.want, cut(s, []byte(x.stream), size)); d != "" || s.bad != x.bad {
				t.Errorf("%s by %d: bad %d %s", name, size, s.bad, d)
			}
		}
	}
}

func TestPiecesMakeNoDifference(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var stream []byte
		for range rapid.IntRange(1, 20).Draw(rt, "n") {
			body := "<13>" + string(rapid.SliceOfN(rapid.Byte(), 0, 60).Draw(rt, "body"))
			if n := rapid.IntRange(0, 9).Draw(rt, "repeat"); n == 9 {
				body += strings.Repeat("y", 5000)
			}
			if rapid.Bool().Draw(rt, "counted") {
				stream = append(stream, strconv.Itoa(len(body))+" "+body...)
			} else {
				stream = append(stream, body+"\n"...)
			}
		}
		want := cut(&splitter{limit: 4000, grow: yes}, stream, len(stream))
		got := cut(&splitter{limit: 4000, grow: yes}, stream, rapid.SliceOfN(rapid.IntRange(1, 9000), 1, 9).Draw(rt, "sizes")...)
		if d := cmp.Diff(want, got); d != "" {
			rt.Fatal(d)
		}
	})
}

func TestLongLinesKeepToTheirMemory(t *testing.T) {
	used, most := 0, 0
	s := &splitter{limit: 1 << 20, grow: func(n int) bool {
		if used+n > 100<<10 {
			return false
		}
		used += n
		most = max(most, used)
		return true
	}}
	line := append(bytes.Repeat([]byte{'x'}, 10<<20), "\n<13>next\n"...)
	got := cut(s, line, 5000)
	if len(got) != 2 || !strings.HasSuffix(got[0], "/10485760") || got[1] != "<13>next" || len(s.buf) > 128<<10 {
		t.Errorf("%q, buffer of %d", got, len(s.buf))
	}
	s.close()
	if used != 0 || most == 0 {
		t.Errorf("%d bytes not given back of %d", used, most)
	}
}

func FuzzFraming(f *testing.F) {
	f.Add([]byte("5 <13>a<13>line\n20 <13>"), 3)
	f.Add([]byte("0 <\n00000000001 <x\n99999999999999999999 <"), 1)
	f.Add(bytes.Repeat([]byte("1 <"), 100), 7)
	f.Add([]byte("<1>a\x00<1>b\x00\x00\n\xef\xbb\xbf4 \xef\xbb\xbf<1"), 1)
	f.Add(append(bytes.Repeat([]byte("x"), 61), "\x00<1>\x00<1>"...), 2)
	f.Fuzz(func(t *testing.T, stream []byte, size int) {
		whole := cut(&splitter{limit: 64, grow: yes}, stream, len(stream))
		s := &splitter{limit: 64, grow: yes}
		parts := cut(s, stream, size%5000)
		if d := cmp.Diff(whole, parts); d != "" {
			t.Fatal(d)
		}
		total := 0
		for _, m := range parts {
			total += len(m)
		}
		if total > len(stream)+64*len(parts) || len(s.buf) > 2*(64+smallBuffer+freeBuffer) {
			t.Fatalf("%d bytes out of %d, buffer of %d", total, len(stream), len(s.buf))
		}
	})
}

func BenchmarkFraming(b *testing.B) {
	line := "<134>" + strings.Repeat("k=v ", 160) + "\n"
	stream := []byte(strings.Repeat(line, 1000))
	b.SetBytes(int64(len(line)))
	s := &splitter{limit: 1 << 20, grow: yes}
	for i := 0; i < b.N; {
		for rest := stream; len(rest) > 0; {
			n := copy(s.space(), rest)
			s.w += n
			rest = rest[n:]
			for {
				if _, ok := s.next(); !ok {
					break
				}
				i++
			}
		}
	}
}
