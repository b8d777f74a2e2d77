package enrich

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"hash/maphash"
	"net/netip"
	"slices"
)

// kind says what an indicator is.
type kind uint8

// The kinds of indicators.
const (
	kindNetwork kind = iota + 1 // key: 16 bytes of the address and one of the length, IPv4 in IPv6
	kindDomain                  // key: small letters, ASCII; what lies below it counts too
	kindURL                     // key: see appendURL
	kindHash                    // key: the bytes
	kindMail                    // key: small letters
	kinds
)

const (
	numberBits    = 23
	maxIndicators = 4 << 20 // of one list; the number of an entry plus 1 fits into numberBits
	maxKey        = 2048    // bytes
)

// indicators is one list, made to be small: 16 bytes for each indicator, its key
// in one run of bytes with all others, and a table of 4-byte numbers that finds
// it by its hash. Once read it does not change.
type indicators struct {
	name  string
	until uint32 // seconds since 1970 of those without a date; 0 is for ever

	seed    maphash.Seed
	slots   []uint32 // see slot; a power of two, at most half full
	entries []indicator
	keys    []byte
	notes   []string // descriptions, each once
	count   [kinds]int
	four    []int // lengths of the networks in use, longest first, IPv4's plus 96
	six     []int
}

// indicator is one entry.
type indicator struct {
	at    uint32 // its key in keys
	until uint32 // seconds since 1970; 0 is for ever
	note  uint32 // in notes plus 1; 0 is none
	size  uint16 // of its key
	kind  kind
}

// finding is an entry of a list; no list is none.
type finding struct {
	list *indicators
	at   uint32
}

func (f finding) entry() *indicator { return &f.list.entries[f.at] }

func (s *indicators) key(e *indicator) []byte { return s.keys[e.at : e.at+uint32(e.size)] }

// slot is where a key stands, or the free slot where it would; tag is what the
// slot holds above the number of the entry plus 1: a few bits of the hash, so that
// a key that is not in the list seldom costs a look at an entry, which is far away
// in memory. 0 is a free slot.
func (s *indicators) slot(k kind, key []byte) (i int, tag uint32) {
	h := maphash.Bytes(s.seed, key) + uint64(k)*0x9E3779B97F4A7C15
	mask := len(s.slots) - 1
	tag = uint32(h>>32) &^ (1<<numberBits - 1)
	for i = int(h) & mask; s.slots[i] != 0; i = (i + 1) & mask {
		if s.slots[i]&^(1<<numberBits-1) != tag {
			continue
		}
		if e := &s.entries[s.number(i)]; e.kind == k && bytes.Equal(s.key(e), key) {
			break
		}
	}
	return i, tag
}

// number is that of the entry in a slot that is not free.
func (s *indicators) number(slot int) uint32 { return s.slots[slot]&(1<<numberBits-1) - 1 }

// find looks for a key.
func (s *indicators) find(k kind, key []byte) (finding, bool) {
	if s.count[k] == 0 || len(key) > maxKey {
		return finding{}, false
	}
	i, _ := s.slot(k, key)
	if s.slots[i] == 0 {
		return finding{}, false
	}
	return finding{s, s.number(i)}, true
}

// add takes an indicator; one that stands in the list twice counts until its
// later day.
func (s *indicators) add(k kind, key []byte, until, note uint32) error {
	if len(key) > maxKey {
		return fmt.Errorf("it is longer than %d bytes", maxKey)
	}
	if 2*(len(s.entries)+1) > len(s.slots) {
		s.grow()
	}
	i, tag := s.slot(k, key)
	if s.slots[i] != 0 {
		if e := &s.entries[s.number(i)]; until == 0 || e.until != 0 && e.until < until {
			e.until = until
		}
		return nil
	}
	if len(s.entries) == maxIndicators {
		return fmt.Errorf("a list has at most %d indicators", maxIndicators)
	}
	s.entries = append(s.entries, indicator{uint32(len(s.keys)), until, note, uint16(len(key)), k})
	s.keys = append(s.keys, key...)
	s.slots[i] = tag | uint32(len(s.entries))
	s.count[k]++
	return nil
}

// grow doubles the table.
func (s *indicators) grow() {
	s.slots = make([]uint32, max(2*len(s.slots), 64))
	for n := range s.entries {
		e := &s.entries[n]
		i, tag := s.slot(e.kind, s.key(e))
		s.slots[i] = tag | uint32(n+1)
	}
}

// network takes a network or address.
func (s *indicators) network(p netip.Prefix, until, note uint32) error {
	bits := p.Bits()
	lengths := &s.six
	if p.Addr().Is4() {
		lengths, bits = &s.four, bits+96
	}
	if !slices.Contains(*lengths, bits) {
		*lengths = append(*lengths, bits)
		slices.SortFunc(*lengths, func(a, b int) int { return b - a })
	}
	b := p.Addr().As16()
	return s.add(kindNetwork, append(b[:], byte(bits)), until, note)
}

// address looks for the most specific network that holds an address.
func (s *indicators) address(ip netip.Addr) (finding, bool) {
	lengths, less := s.six, 0
	if ip.Is4() {
		lengths, less = s.four, 96
	}
	var key [17]byte
	for _, bits := range lengths {
		p, err := ip.Prefix(bits - less)
		if err != nil {
			return finding{}, false
		}
		b := p.Addr().As16()
		key[copy(key[:], b[:])] = byte(bits)
		if f, ok := s.find(kindNetwork, key[:]); ok {
			return f, true
		}
	}
	return finding{}, false
}

// bytes is how much memory the list takes.
func (s *indicators) bytes() int { return cap(s.slots)*4 + cap(s.entries)*16 + cap(s.keys) }

// trim gives back what growing left over.
func (s *indicators) trim() {
	s.entries, s.keys = append([]indicator(nil), s.entries...), append([]byte(nil), s.keys...)
}

// indicatorName is how an analyst reads an entry.
func (f finding) indicatorName() string {
	key := f.list.key(f.entry())
	switch f.entry().kind {
	case kindHash:
		return hex.EncodeToString(key)
	case kindNetwork:
		a, bits := netip.AddrFrom16([16]byte(key[:16])), int(key[16])
		if a = a.Unmap(); a.Is4() {
			bits -= 96
		}
		if bits == a.BitLen() {
			return a.String()
		}
		return netip.PrefixFrom(a, bits).String()
	}
	return string(key)
}

// indicatorType is ECS's word for the kind.
func (f finding) indicatorType() string {
	switch f.entry().kind {
	case kindDomain:
		return "domain-name"
	case kindURL:
		return "url"
	case kindHash:
		return "file"
	case kindMail:
		return "email-addr"
	}
	if a := netip.AddrFrom16([16]byte(f.list.key(f.entry())[:16])); a.Is4In6() {
		return "ipv4-addr"
	}
	return "ipv6-addr"
}
