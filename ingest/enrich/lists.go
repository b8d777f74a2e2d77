package enrich

import (
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"

	"mimamori/internal/calendar"
)

// indicatorColumns are the headings of a CSV file.
var indicatorColumns = map[string]int{
	"indicator": 0, "value": 0, "ioc": 0, "指標": 0, "値": 0,
	"description": 1, "comment": 1, "note": 1, "説明": 1, "備考": 1,
	"expires": 2, "valid_until": 2, "期限": 2, "有効期限": 2,
}

// Check finds a contradiction in the configuration of a list.
func (l *List) Check() error {
	_, err := l.until()
	return err
}

// until is the day from which a list's indicators no longer count.
func (l *List) until() (uint32, error) {
	if l.Name == "" || l.File == "" {
		return 0, errors.New("a list of indicators needs a name and a file")
	}
	at, err := parseDay(l.Expires)
	if err != nil {
		return 0, fmt.Errorf("indicators %q: expires: %w", l.Name, err)
	}
	return at, nil
}

// parseDay reads 2027-03-31, begun in Japan, or a time as RFC 3339 has it.
func parseDay(s string) (uint32, error) {
	if s == "" {
		return 0, nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t, err = time.ParseInLocation(time.DateOnly, s, calendar.JST())
	}
	if err != nil || t.Unix() <= 0 || t.Unix() >= 1<<32 {
		return 0, fmt.Errorf("%q is no day such as 2027-03-31", s)
	}
	return uint32(t.Unix()), nil
}

// reading is a list while it is read.
type reading struct {
	*indicators
	seen   map[string]uint32 // descriptions
	report func(error)
	path   string
	buf    []byte
}

// readIndicators reads a list anew. A bad line is reported with its place, and
// the others are taken.
func readIndicators(path string, old *indicators, report func(error)) (*indicators, error) {
	text, err := readText(path)
	if err != nil {
		return nil, err
	}
	r := reading{&indicators{name: old.name, until: old.until, seed: maphash.MakeSeed()}, map[string]uint32{}, report, path, nil}
	r.grow()
	if header, ok := r.header(text); ok {
		err = r.csv(text, header)
	} else {
		r.lines(text)
	}
	r.trim()
	return r.indicators, err
}

// header finds the columns when the first line that is no comment names them.
func (r *reading) header(text string) (columns [3]int, ok bool) {
	columns = [3]int{-1, -1, -1}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		for i, h := range strings.Split(line, ",") {
			at, known := indicatorColumns[strings.ToLower(strings.Trim(h, "\" "))]
			if known && columns[at] < 0 {
				columns[at] = i
			}
		}
		break
	}
	return columns, columns[0] >= 0
}

func (r *reading) csv(text string, columns [3]int) error {
	c := csv.NewReader(strings.NewReader(text))
	c.FieldsPerRecord, c.ReuseRecord, c.Comment, c.TrimLeadingSpace = -1, true, '#', true
	if _, err := c.Read(); err != nil {
		return fmt.Errorf("%s: the header row: %w", r.path, err)
	}
	for {
		record, err := c.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		line := csvLine(c, record, err)
		if err == nil {
			cell := func(i int) string {
				if at := columns[i]; at >= 0 && at < len(record) {
					return strings.TrimSpace(record[at])
				}
				return ""
			}
			until := r.until
			if day := cell(2); day != "" {
				until, err = parseDay(day)
			}
			if err == nil {
				err = r.indicator(cell(0), until, r.note(cell(1)))
			}
		}
		if err != nil {
			r.report(fmt.Errorf("%s:%d: %w", r.path, line, err))
		}
	}
}

func (r *reading) lines(text string) {
	n := 0
	for line := range strings.Lines(text) {
		n++
		line, _, _ = strings.Cut(strings.TrimSpace(line), " #")
		if line == "" || line[0] == '#' {
			continue
		}
		if err := r.indicator(strings.TrimSpace(line), r.until, 0); err != nil {
			r.report(fmt.Errorf("%s:%d: %w", r.path, n, err))
		}
	}
}

// note keeps a description once.
func (r *reading) note(s string) uint32 {
	if s == "" || len(s) > maxKey {
		return 0
	}
	n, ok := r.seen[s]
	if !ok {
		s = strings.Clone(s)
		r.notes = append(r.notes, s)
		n = uint32(len(r.notes))
		r.seen[s] = n
	}
	return n
}

// refang undoes the spellings in which lists keep indicators from being clicked.
func refang(s string) string {
	if strings.ContainsAny(s, "[(") {
		s = strings.NewReplacer("[.]", ".", "(.)", ".", "[:]", ":", "[://]", "://", "[@]", "@", "[at]", "@", "[dot]", ".").Replace(s)
	}
	if len(s) > 4 && strings.EqualFold(s[:4], "hxxp") {
		s = "http" + s[4:]
	}
	return s
}

// indicator takes one indicator, whose kind it tells by its form.
func (r *reading) indicator(s string, until, note uint32) error {
	if len(s) > maxKey {
		return fmt.Errorf("it is longer than %d bytes", maxKey)
	}
	s = refang(s)
	r.buf = r.buf[:0]
	if host, _, _ := strings.Cut(s, "/"); looksLikeIP(host) {
		if p, err := parseNetwork(s); err == nil {
			if err := tooWide(p); err != nil {
				return err
			}
			return r.network(p, until, note)
		}
	}
	if b, ok := appendHash(r.buf, s); ok {
		return r.add(kindHash, b, until, note)
	}
	if strings.Contains(s, "://") || strings.IndexByte(s, '/') > 0 {
		b, ok := appendURL(r.buf, s)
		if !ok {
			return fmt.Errorf("%q is no URL", s)
		}
		return r.add(kindURL, b, until, note)
	}
	if user, domain, ok := strings.Cut(s, "@"); ok && user != "" && isDomain(domain) {
		return r.add(kindMail, appendLower(r.buf, s), until, note)
	}
	name, ok := canonical(strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(s, "*"), "."), "."))
	if !ok || !strings.Contains(name, ".") {
		return fmt.Errorf("%q is no address, network, domain, URL, hash (MD5, SHA-1, SHA-256, SHA-512) or mail address", s)
	}
	if suffix, icann := publicsuffix.PublicSuffix(name); suffix == name && icann {
		return fmt.Errorf("%q is a public suffix: everything below it would match", s)
	}
	return r.add(kindDomain, append(r.buf, name...), until, note)
}

// tooWide refuses networks that would match by accident.
func tooWide(p netip.Prefix) error {
	if p.Addr().Is4() && p.Bits() < 8 || p.Addr().Is6() && p.Bits() < 16 {
		return fmt.Errorf("%s is too wide: at least /8, or /16 with IPv6", p)
	}
	if !isPublic(p.Addr()) {
		return fmt.Errorf("%s is no address of the Internet: every town has hosts of its own there", p)
	}
	return nil
}

// appendHash appends the bytes of a checksum.
func appendHash(dst []byte, s string) ([]byte, bool) {
	switch len(s) {
	case 32, 40, 64, 128:
	default:
		return dst, false
	}
	for i := range len(s) {
		if !isHex(s[i]) {
			return dst, false
		}
	}
	dst, err := hex.AppendDecode(dst, []byte(s))
	return dst, err == nil
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}
