package archive

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// otherKey is a forger's.
var otherKey = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{66}, ed25519.SeedSize))

// crime is a tampering that was done, and where it must be found.
type crime struct {
	file string // below the archive's folder
	more []string
	kind []Kind
	from int64 // bytes between which it must be found; both 0: anywhere in the file
	to   int64
}

// victim is a copy of an archive.
type victim struct {
	t    *rapid.T
	dir  string
	days []string // 312011/2026-11-22
}

func (v *victim) path(name string) string { return filepath.Join(v.dir, filepath.FromSlash(name)) }

func (v *victim) read(name string) []byte {
	b, err := os.ReadFile(v.path(name))
	if err != nil {
		v.t.Fatal(err)
	}
	return b
}

func (v *victim) write(name string, b []byte) {
	if err := os.WriteFile(v.path(name), b, 0o600); err != nil {
		v.t.Fatal(err)
	}
}

func (v *victim) day(label string) string { return rapid.SampledFrom(v.days).Draw(v.t, label) }

// pieces cuts a day's frames into records.
func (v *victim) pieces(day string) [][]byte {
	var out [][]byte
	b := v.read(day + framesSuffix)
	s := newScanner(bytes.NewReader(b), int64(len(b)))
	for {
		e, at, sealed, err := s.next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			v.t.Fatal(err)
		}
		out = append(out, b[at:at+int64(len(e.header)+len(sealed))])
	}
}

func offset(pieces [][]byte, i int) int64 {
	var n int64
	for _, p := range pieces[:i] {
		n += int64(len(p))
	}
	return n
}

// forge changes a record's ciphertext and makes its header fit again.
func forge(record []byte) []byte {
	b := bytes.Clone(record)
	e, _ := parseHeader(b)
	n := len(e.header)
	b[len(b)-1] ^= 1
	sum := sha256.Sum256(b[n:])
	copy(b[n-crc32.Size-len(sum):], sum[:])
	binary.BigEndian.PutUint32(b[n-crc32.Size:], crc32.ChecksumIEEE(b[:n-crc32.Size]))
	return b
}

// leavesOf is the index that fits some records.
func leavesOf(pieces [][]byte) []byte {
	var out []byte
	for _, p := range pieces {
		e, _ := parseHeader(p)
		l := e.leaf()
		out = append(out, l[:]...)
	}
	return out
}

// resign gives a signed text another signer.
func resign(text []byte, key ed25519.PrivateKey) []byte {
	i := bytes.LastIndex(text, []byte("\nkey "))
	return signText(bytes.Clone(text[:i+1]), key)
}

func (v *victim) int(lo, hi int, label string) int { return rapid.IntRange(lo, hi).Draw(v.t, label) }

// crimes are the ways to tamper. Each does one and says where it must be found.
var crimes = map[string]func(v *victim) crime{
	"edit a byte of a frame": func(v *victim) crime {
		day := v.day("day")
		p := v.pieces(day)
		i := v.int(0, len(p)-1, "frame")
		b, at := v.read(day+framesSuffix), offset(p, i)
		b[int(at)+v.int(0, len(p[i])-1, "byte")] ^= byte(v.int(1, 255, "by"))
		v.write(day+framesSuffix, b)
		return crime{file: day + framesSuffix, kind: []Kind{Edited}, from: at, to: at + int64(len(p[i]))}
	},
	"edit a frame and make its header fit": func(v *victim) crime {
		day := v.day("day")
		p := v.pieces(day)
		i := v.int(0, len(p)-1, "frame")
		at := offset(p, i)
		p[i] = forge(p[i])
		v.write(day+framesSuffix, bytes.Join(p, nil))
		return crime{file: day + framesSuffix, kind: []Kind{Edited}, from: at, to: at + int64(len(p[i]))}
	},
	"edit a frame and make header and index fit": func(v *victim) crime {
		day := v.day("day")
		p := v.pieces(day)
		i := v.int(0, len(p)-1, "frame")
		p[i] = forge(p[i])
		v.write(day+framesSuffix, bytes.Join(p, nil))
		v.write(day+indexSuffix, leavesOf(p))
		return crime{file: day + framesSuffix, more: []string{day + indexSuffix}, kind: []Kind{Edited}}
	},
	"swap two frames": func(v *victim) crime {
		day := v.day("day")
		p := v.pieces(day)
		i := v.int(0, len(p)-2, "one")
		j := v.int(i+1, len(p)-1, "other")
		from := offset(p, i)
		to := offset(p, j+1)
		p[i], p[j] = p[j], p[i]
		v.write(day+framesSuffix, bytes.Join(p, nil))
		return crime{file: day + framesSuffix, kind: []Kind{Reordered}, from: from, to: to}
	},
	"swap two frames and their leaves": func(v *victim) crime {
		day := v.day("day")
		p := v.pieces(day)
		i := v.int(0, len(p)-2, "frame")
		p[i], p[i+1] = p[i+1], p[i]
		v.write(day+framesSuffix, bytes.Join(p, nil))
		v.write(day+indexSuffix, leavesOf(p))
		return crime{file: day + framesSuffix, more: []string{day + indexSuffix}, kind: []Kind{Edited, Reordered}}
	},
	"take frames out": func(v *victim) crime {
		day := v.day("day")
		p := v.pieces(day)
		i := v.int(0, len(p)-2, "first")
		j := v.int(i+1, len(p)-1, "behind the last")
		at := offset(p, i)
		v.write(day+framesSuffix, bytes.Join(slices.Concat(p[:i], p[j:]), nil))
		return crime{file: day + framesSuffix, kind: []Kind{Deleted}, from: at, to: at}
	},
	"take frames out and their leaves": func(v *victim) crime {
		day := v.day("day")
		p := v.pieces(day)
		i := v.int(0, len(p)-1, "frame")
		p = slices.Delete(p, i, i+1)
		v.write(day+framesSuffix, bytes.Join(p, nil))
		v.write(day+indexSuffix, leavesOf(p))
		return crime{file: day + framesSuffix, more: []string{day + indexSuffix}, kind: []Kind{Edited, Truncated}}
	},
	"cut the end off": func(v *victim) crime {
		day := v.day("day")
		b := v.read(day + framesSuffix)
		n := v.int(0, len(b)-1, "bytes left")
		v.write(day+framesSuffix, b[:n])
		return crime{file: day + framesSuffix, kind: []Kind{Truncated}}
	},
	"put a frame there twice": func(v *victim) crime {
		day := v.day("day")
		p := v.pieces(day)
		i, j := v.int(0, len(p)-1, "frame"), v.int(0, len(p), "before")
		v.write(day+framesSuffix, bytes.Join(slices.Insert(slices.Clone(p), j, p[i]), nil))
		return crime{file: day + framesSuffix, kind: []Kind{Replayed}}
	},
	"put another day's frame in": func(v *victim) crime {
		day := v.day("day")
		other := v.day("other")
		if other == day {
			other = v.days[(slices.Index(v.days, day)+1)%len(v.days)]
		}
		p, q := v.pieces(day), v.pieces(other)
		i, j := v.int(0, len(q)-1, "frame"), v.int(0, len(p), "before")
		at := offset(p, j)
		v.write(day+framesSuffix, bytes.Join(slices.Insert(slices.Clone(p), j, q[i]), nil))
		return crime{file: day + framesSuffix, kind: []Kind{Replayed}, from: at, to: at}
	},
	"put bytes between frames": func(v *victim) crime {
		day := v.day("day")
		p := v.pieces(day)
		j := v.int(0, len(p), "before")
		at := offset(p, j)
		noise := rapid.SliceOfN(rapid.Byte(), 1, 200).Draw(v.t, "bytes")
		v.write(day+framesSuffix, bytes.Join(slices.Insert(slices.Clone(p), j, noise), nil))
		return crime{file: day + framesSuffix, kind: []Kind{Inserted}, from: at, to: at}
	},
	"put a made frame in": func(v *victim) crime {
		day := v.day("day")
		p := v.pieces(day)
		i, j := v.int(0, len(p)-1, "like"), v.int(0, len(p), "before")
		at := offset(p, j)
		v.write(day+framesSuffix, bytes.Join(slices.Insert(slices.Clone(p), j, forge(p[i])), nil))
		return crime{file: day + framesSuffix, kind: []Kind{Inserted}, from: at, to: at}
	},
	"replace a day's files by another's": func(v *victim) crime {
		i := v.int(0, len(v.days)-2, "day")
		day, other := v.days[i], v.days[i+1]
		for _, s := range []string{framesSuffix, indexSuffix, manifestSuffix} {
			v.write(day+s, v.read(other+s))
		}
		return crime{file: day + manifestSuffix, more: []string{day + framesSuffix}, kind: []Kind{Replayed}}
	},
	"edit the index": func(v *victim) crime {
		day := v.day("day")
		b := v.read(day + indexSuffix)
		i := v.int(0, len(b)-1, "byte")
		b[i] ^= byte(v.int(1, 255, "by"))
		v.write(day+indexSuffix, b)
		return crime{file: day + indexSuffix, kind: []Kind{Edited}, from: int64(i / 32 * 32), to: int64(i/32*32 + 32)}
	},
	"cut the index": func(v *victim) crime {
		day := v.day("day")
		b := v.read(day + indexSuffix)
		v.write(day+indexSuffix, b[:v.int(0, len(b)-1, "bytes left")])
		return crime{file: day + indexSuffix, kind: []Kind{Truncated, Edited}}
	},
	"edit a text": func(v *victim) crime {
		file := v.text("text")
		b := v.read(file)
		i := v.int(0, len(b)-1, "byte")
		b[i] ^= byte(v.int(1, 255, "by"))
		v.write(file, b)
		return crime{file: file, kind: []Kind{Edited, Resigned, Replayed}}
	},
	"sign a text with another key": func(v *victim) crime {
		file := v.text("text")
		v.write(file, resign(v.read(file), otherKey))
		return crime{file: file, kind: []Kind{Resigned}}
	},
	"remove a file": func(v *victim) crime {
		file := v.text("text")
		if rapid.Bool().Draw(v.t, "of frames") {
			file = v.day("day") + rapid.SampledFrom([]string{framesSuffix, indexSuffix}).Draw(v.t, "suffix")
		}
		os.Remove(v.path(file))
		return crime{file: file, kind: []Kind{Missing}}
	},
	"remove a day": func(v *victim) crime {
		day := v.day("day")
		for _, s := range []string{framesSuffix, indexSuffix, manifestSuffix} {
			os.Remove(v.path(day + s))
		}
		return crime{file: day + manifestSuffix, kind: []Kind{Missing}}
	},
	"remove the newest days and heads": func(v *victim) crime {
		newest := path.Base(v.days[len(v.days)-1])
		file := ""
		for _, d := range v.days {
			if path.Base(d) == newest {
				file = d + manifestSuffix
				for _, s := range []string{framesSuffix, indexSuffix, manifestSuffix} {
					os.Remove(v.path(d + s))
				}
			}
		}
		os.Remove(v.path(path.Join(headsDir, newest+headSuffix)))
		return crime{file: file, kind: []Kind{Missing}}
	},
	"sign everything with another key": func(v *victim) crime {
		for _, d := range v.days {
			v.write(d+manifestSuffix, resign(v.read(d+manifestSuffix), otherKey))
		}
		for _, h := range v.heads() {
			v.write(h, resign(v.read(h), otherKey))
		}
		v.write(publicFile, fmt.Appendf(nil, "%x\n", []byte(otherKey.Public().(ed25519.PublicKey))))
		return crime{file: publicFile, kind: []Kind{Resigned}}
	},
	"put a file in": func(v *victim) crime {
		file := rapid.SampledFrom([]string{"312011/2026-11-22.frames.bak", "312011/x", "note.txt", "heads/x.head", "31/2026-11-22.frames"}).Draw(v.t, "file")
		os.MkdirAll(filepath.Dir(v.path(file)), 0o700)
		v.write(file, []byte("x"))
		return crime{file: file, more: []string{path.Dir(file)}, kind: []Kind{Inserted}}
	},
}

func (v *victim) heads() []string {
	var out []string
	names, _ := filepath.Glob(v.path("heads/*.head"))
	for _, n := range names {
		out = append(out, path.Join(headsDir, filepath.Base(n)))
	}
	return out
}

// text draws a manifest or a head.
func (v *victim) text(label string) string {
	all := v.heads()
	for _, d := range v.days {
		all = append(all, d+manifestSuffix)
	}
	return rapid.SampledFrom(all).Draw(v.t, label)
}

// located tells whether a finding says what was done, and where.
func (c *crime) located(f Finding) bool {
	if f.File != c.file && !slices.Contains(c.more, f.File) || !slices.Contains(c.kind, f.Kind) {
		return false
	}
	return c.from == 0 && c.to == 0 || f.Offset >= c.from && f.Offset <= c.to
}

// TestEveryTamperingIsFoundAndLocated tampers with copies of an archive;
// MIMAMORI_TAMPERINGS says how often.
func TestEveryTamperingIsFoundAndLocated(t *testing.T) {
	k := newKit(t, 11)
	k.fill(4, 5)
	anchor := k.anchor()
	if r := k.verify(Check{Anchor: anchor}); !r.Whole() {
		t.Fatalf("%+v", r)
	}
	var days []string
	manifests, _ := filepath.Glob(filepath.Join(k.folder(), "31*", "*"+manifestSuffix))
	for _, m := range manifests {
		days = append(days, path.Join(filepath.Base(filepath.Dir(m)), strings.TrimSuffix(filepath.Base(m), manifestSuffix)))
	}
	names := []string{}
	for name := range crimes {
		names = append(names, name)
	}
	slices.Sort(names)
	done := map[string]int{}
	one := func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			rt.Fatal(err)
		}
		defer os.RemoveAll(dir)
		if err := os.CopyFS(filepath.Join(dir, "a"), os.DirFS(k.folder())); err != nil {
			rt.Fatal(err)
		}
		v := &victim{rt, filepath.Join(dir, "a"), days}
		what := rapid.SampledFrom(names).Draw(rt, "crime")
		c := crimes[what](v)
		done[what]++
		r, err := Verify(t.Context(), Check{Dir: v.dir, Anchor: anchor})
		if err != nil {
			rt.Fatalf("%s: %v", what, err)
		}
		if !slices.ContainsFunc(r.Findings, c.located) {
			rt.Fatalf("%s: not located in %s at %d-%d: %+v", what, c.file, c.from, c.to, r.Findings)
		}
	}
	n, _ := strconv.Atoi(os.Getenv("MIMAMORI_TAMPERINGS"))
	for rounds := max(n, 1); rounds > 0; rounds -= 100 {
		rapid.Check(t, one)
		if n == 0 {
			break
		}
	}
	t.Log(done)
}
