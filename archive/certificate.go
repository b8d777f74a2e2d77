package archive

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"mimamori/frame"
)

const (
	certificateTitle = "mimamori archive certificate of erasure v1"
	maxRemovals      = 1000 // lines that a certificate may have of them
)

// Certificate says that a municipality's month was erased: who asked for it and
// who approved it, what went, and which signed days it were.
type Certificate struct {
	Number       int        // of the archive, from 1; Certify gives it
	Previous     frame.Hash // of the certificate before; zero for the first
	Request      string     // its number in the register of erasures
	Municipality string
	Month        string
	Reason       string
	Requested    Act
	Approved     Act
	Standing     string // the standing approval that it goes by, "" for none
	Begun, Ended time.Time
	Removed      []Removal
	Days         []ErasedDay       // Certify fills it in
	Key          ed25519.PublicKey // that signed

	hash frame.Hash
}

// Act is what one person did.
type Act struct {
	At       time.Time
	By, Side string // sign-in name, and for whom: "prefecture" or a municipality's code
}

// Removal is what went from one place.
type Removal struct {
	Place string
	Count int64
}

// ErasedDay is a signed day of an erased month: what stays of it.
type ErasedDay struct {
	Day      string
	Frames   uint64
	Bytes    int64
	Root     frame.Hash
	Manifest frame.Hash
}

// The notes of a certificate are for people; they are signed, and not parsed.
const (
	certificateNote = `# 消去証明書: 下に記す自治体・月のログを、別の組織に属する二人の承認により、復元できないように消去したことを証明する。
# Certificate of erasure: the logs of the municipality and month below were destroyed for good, as two people of two organisations decided.
`
	certificateActs = `# 依頼と承認（日時、所属、利用者名） / who asked and who approved: when, of which organisation, sign-in name
`
	certificateGone = `# 場所ごとに消去したものの数（鍵、イベント、ファイル。中断後に再開した場合は数え切れないものがある）
# How many things went from each place (keys, events, files; after an interruption not all can be counted)
`
	certificateDays = `# 消去した日。暗号文と署名付き目録は残り、改変のないことは今後も検証できる。
# The days that were erased. Ciphertext and signed manifests stay, so that their integrity can be verified as before.
`
	certificateLimit = `# この証明書が及ばないもの: このサーバーの外にある鍵の写し（archive-keys の控え）、書き出したファイル・証拠・印刷物・メール、記憶装置が内部に残す領域。
# Beyond this certificate: copies of keys (of archive-keys) elsewhere, exported files, evidence, prints and mails, and blocks that a disk keeps by itself.
`
)

// text is the certificate, signed.
func (c *Certificate) text(key ed25519.PrivateKey) []byte {
	b := fmt.Appendf(nil, "%s\n%snumber %d\n", certificateTitle, certificateNote, c.Number)
	if c.Previous == (frame.Hash{}) {
		b = append(b, "previous none\n"...)
	} else {
		b = fmt.Appendf(b, "previous %x\n", c.Previous)
	}
	b = fmt.Appendf(b, "request %s\nmunicipality %s\nmonth %s\nreason %s\n", line(c.Request), c.Municipality, c.Month, line(c.Reason))
	b = fmt.Appendf(b, "%srequested %s\napproved %s\nstanding %s\n", certificateActs, c.Requested.line(), c.Approved.line(), line(c.Standing))
	b = fmt.Appendf(b, "begun %s\nended %s\n%s", c.Begun.Format(time.RFC3339), c.Ended.Format(time.RFC3339), certificateGone)
	for _, r := range c.Removed {
		b = fmt.Appendf(b, "removed %d %s\n", r.Count, line(r.Place))
	}
	b = append(b, certificateDays...)
	for _, d := range c.Days {
		b = fmt.Appendf(b, "day %s %d %d %x %x\n", d.Day, d.Frames, d.Bytes, d.Root, d.Manifest)
	}
	return signText(append(b, certificateLimit...), key)
}

// line makes one line of a person's text; "" becomes -.
func line(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	if s = strings.Join(strings.Fields(s), " "); s == "" {
		return "-"
	}
	return s
}

// unline gives back what line was given.
func unline(s string) string {
	if s == "-" {
		return ""
	}
	return s
}

func (a *Act) line() string {
	return a.At.Format(time.RFC3339) + " " + line(a.Side) + " " + line(a.By)
}

// ParseCertificate reads a certificate and checks its signature, by whatever
// key. The error wraps ErrMalformed or, with all the rest read, ErrSignature.
func ParseCertificate(text []byte) (Certificate, error) {
	var c Certificate
	lines, key, bad := openText(text, certificateTitle)
	if key == nil {
		return c, bad
	}
	c.Key, c.hash = key, textHash(text)
	r := certificateReader{}
	for _, l := range lines {
		if !strings.HasPrefix(l, "#") {
			r.lines = append(r.lines, l)
		}
	}
	r.read(&c)
	if r.err == nil && (c.Number < 1 || !isCode(c.Municipality) || !isDay(c.Month+"-01")) {
		r.err = fmt.Errorf("number %d, municipality %q, month %q", c.Number, c.Municipality, c.Month)
	}
	if r.err != nil {
		return c, fmt.Errorf("%w: certificate: %w", ErrMalformed, r.err)
	}
	return c, bad
}

// certificateReader takes the lines of a certificate in their order. After a
// mistake it takes nothing more.
type certificateReader struct {
	lines []string
	err   error
}

func (r *certificateReader) next(name string) bool {
	return r.err == nil && len(r.lines) > 0 && strings.HasPrefix(r.lines[0], name+" ")
}

// take is the rest of a line that must be there.
func (r *certificateReader) take(name string) string {
	if !r.next(name) {
		r.fail(fmt.Errorf("a line %q is missing or not in its place", name))
		return ""
	}
	rest := r.lines[0][len(name)+1:]
	r.lines = r.lines[1:]
	return rest
}

// fail keeps the first mistake.
func (r *certificateReader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}

func (r *certificateReader) read(c *Certificate) {
	var err error
	if c.Number, err = strconv.Atoi(r.take("number")); err != nil {
		r.fail(err)
	}
	if text := r.take("previous"); text != "none" {
		c.Previous = r.hash(text)
	}
	c.Request, c.Municipality, c.Month = unline(r.take("request")), r.take("municipality"), r.take("month")
	c.Reason = unline(r.take("reason"))
	c.Requested, c.Approved = r.act("requested"), r.act("approved")
	c.Standing = unline(r.take("standing"))
	c.Begun, c.Ended = r.time(r.take("begun")), r.time(r.take("ended"))
	for r.next("removed") && len(c.Removed) < maxRemovals {
		count, place, _ := strings.Cut(r.take("removed"), " ")
		n, err := strconv.ParseInt(count, 10, 64)
		if err != nil {
			r.fail(err)
		}
		c.Removed = append(c.Removed, Removal{unline(place), n})
	}
	for r.next("day") {
		r.day(c)
	}
	if r.err == nil && len(r.lines) > 0 {
		r.fail(fmt.Errorf("line %.80q is not expected here", r.lines[0]))
	}
}

func (r *certificateReader) day(c *Certificate) {
	f := strings.Split(r.take("day"), " ")
	if len(f) != 5 || !isDay(f[0]) || !strings.HasPrefix(f[0], c.Month+"-") || len(c.Days) > 0 && f[0] <= c.Days[len(c.Days)-1].Day {
		r.fail(errors.New("a day is not day, frames, bytes, root and manifest, or not in its place"))
		return
	}
	frames, errFrames := strconv.ParseUint(f[1], 10, 64)
	bytes, errBytes := strconv.ParseInt(f[2], 10, 64)
	if err := errors.Join(errFrames, errBytes); err != nil {
		r.fail(err)
	}
	c.Days = append(c.Days, ErasedDay{f[0], frames, bytes, r.hash(f[3]), r.hash(f[4])})
}

func (r *certificateReader) hash(text string) frame.Hash {
	name, h := parseLink("x " + text)
	if name == "" {
		r.fail(fmt.Errorf("%.80q is no hash", text))
	}
	return h
}

func (r *certificateReader) time(text string) time.Time {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		r.fail(err)
	}
	return t
}

func (r *certificateReader) act(name string) Act {
	at, rest, _ := strings.Cut(r.take(name), " ")
	side, by, _ := strings.Cut(rest, " ")
	return Act{r.time(at), unline(by), unline(side)}
}
