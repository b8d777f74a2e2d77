package rules

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"
	"unicode/utf8"
	"unsafe"

	"mimamori/event"
)

// encodeKey appends the group key of an event: for each field 0 when it is
// missing, else the length of its text plus one, and the text.
func encodeKey(dst []byte, by []event.Field, ev *event.Event) []byte {
	for _, f := range by {
		v, ok := ev.Get(f)
		if !ok {
			dst = append(dst, 0)
			continue
		}
		s := clip(v.Text())
		dst = binary.AppendUvarint(dst, uint64(len(s))+1)
		dst = append(dst, s...)
	}
	return dst
}

// readableKey writes a group key for people: "source.ip=10.1.2.3 user.name=sato".
// The municipality has its own place in an alert and is left out.
func readableKey(key string, by []event.Field) string {
	var b strings.Builder
	rest := []byte(key)
	for _, f := range by {
		n, size := binary.Uvarint(rest)
		if size <= 0 || n > uint64(len(rest)-size)+1 {
			break
		}
		rest = rest[size:]
		if n == 0 {
			continue
		}
		s := string(rest[:n-1])
		rest = rest[n-1:]
		if f == fieldMunicipality {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		if strings.ContainsAny(s, " \"=") {
			s = strconv.Quote(s)
		}
		b.WriteString(f.Name() + "=" + s)
	}
	return b.String()
}

// keyPart is the value at a place of a group key, "" when it has none.
func keyPart(key string, at int) string {
	for ; ; at-- {
		n, size := uvarint(key)
		if size <= 0 || n > uint64(len(key)-size)+1 || at < 0 {
			return ""
		}
		key = key[size:]
		if n == 0 {
			n = 1
		}
		if at == 0 {
			return key[:n-1]
		}
		key = key[n-1:]
	}
}

func uvarint(s string) (uint64, int) {
	return binary.Uvarint([]byte(s[:min(len(s), binary.MaxVarintLen64)]))
}

// maxKeyText bounds one value of a group key. A longer one is cut and told
// apart by a hash of the whole.
const maxKeyText = 200

func clip(s string) string {
	if len(s) <= maxKeyText {
		return s
	}
	h := sha256.Sum256([]byte(s))
	cut := maxKeyText - 40
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…" + hex.EncodeToString(h[:12])
}

// hashText stands for a text that only has to be told from others.
func hashText(s string) uint64 {
	h := sha256.Sum256(unsafe.Slice(unsafe.StringData(s), len(s)))
	return binary.LittleEndian.Uint64(h[:])
}

// loneKey begins the key of an alert that is of one event and of no group.
const loneKey = "event="

func refKey(r event.Ref) string {
	return loneKey + r.Collector + "/" + r.Source + "/" + strconv.FormatUint(r.Epoch, 10) + "/" + strconv.FormatUint(r.Seq, 10)
}
