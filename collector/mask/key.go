package mask

import (
	"bytes"
	"slices"
	"strings"
	"unicode"
)

// hintReach is how many characters before a number are searched for words that
// say it is a My Number.
const hintReach = 28

// hints are such words, in lower case, without the signs between words.
var hints = map[string][]string{
	MyNumber:  {"mynumber", "myno", "mynum", "個人番号", "マイナンバ", "マイナンバ-", "まいなんば", "ﾏｲﾅﾝﾊﾞ", "kojinbango", "kojinno", "kojinnum", "individualnumber"},
	Corporate: {"corporatenumber", "corporateno", "法人番号", "登録番号", "インボイス", "houjinbango", "hojinbango", "houjinno", "hojinno"},
}

// hinted tells whether words before the candidate name the kind.
func hinted(left []char, kind string) bool {
	var mem [4 * hintReach]byte
	word := mem[:0]
	for _, c := range left[max(0, len(left)-hintReach):] {
		switch r := unicode.ToLower(c.r); {
		case r == '*': // the end of a pseudonym, whose name says nothing about what follows
			word = word[:0]
		case r == '_' || r == '-' || r == ' ' || r == '.':
		default:
			word = append(word, string(r)...)
		}
	}
	for _, h := range hints[kind] {
		if bytes.Contains(word, []byte(h)) {
			return true
		}
	}
	return false
}

// others are words of keys whose values are no My Number: quantities, pieces of
// hardware, and what programs number. A word counts wherever it stands in a key
// written camelCase, snake_case or with dots.
var others = words(`
	weight duration elapsed latency bytes byte octets octet bits size length len count cnt counter offset ticks interval rate total usage
	mac macaddr serial serialno serialnumber sn imei imsi iccid uuid guid wwn oid firmware version revision build
	session sess sessionid flow flowid trace traceid span spanid transaction txid packet seq seqno sequence logid eventid recordid record
	msgid messageid request requestid reqid thread threadid process processid pid tid handle pointer address addr
	checksum crc hash etag inode tenant subscription accountid
	phone tel telephone fax mobile msisdn isbn jan ean upc
	電話 電話番号 シリアル シリアル番号 製造番号 セッション セッションid サイズ バイト 件数`)

// pairs are words that say it together.
var pairs = words("log-id event-id record-id record-number message-id account-id owner-id flow-id job-id task-id process-id")

// times are words of keys whose values are times.
var times = words("time date datetime timestamp ts when start end created updated modified received at 日時 時刻 日付 日")

func words(s string) map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(s) {
		m[w] = true
	}
	return m
}

// key returns the words of the key whose value the candidate begins, none where
// there is no key: name=, "name":, <name>, Name=">.
func key(left []char) []string {
	i, sign := len(left), false
	for ; i > 0 && len(left)-i < 8; i-- {
		switch left[i-1].r {
		case '=', ':', '>', '：':
			sign = true
			continue
		case '"', '\'', '\\', ' ', '(', '[', '{':
			continue
		}
		break
	}
	if !sign {
		return nil
	}
	end := i
	for i > 0 && end-i < 48 && keyRune(left[i-1].r) {
		i--
	}
	return split(left[i:end])
}

func keyRune(r rune) bool {
	return isDigit(r) || isLetter(r) || r == '_' || r == '-' || r == '.' || r == '@' || r >= 0x80 && unicode.IsLetter(r)
}

// split cuts a key into its words in lower case.
func split(name []char) []string {
	var out []string
	var word []rune
	flush := func() {
		if len(word) > 0 {
			out, word = append(out, string(word)), nil
		}
	}
	for i, c := range name {
		r := c.r
		switch {
		case !unicode.IsLetter(r) && !isDigit(r):
			flush()
			continue
		case unicode.IsUpper(r) && i > 0 && (unicode.IsLower(name[i-1].r) || i+1 < len(name) && unicode.IsLower(name[i+1].r)):
			flush()
		}
		word = append(word, unicode.ToLower(r))
	}
	flush()
	return out
}

// otherKey tells whether a key names something else.
func (m *Masker) otherKey(key []string) bool {
	for i, w := range key {
		if others[w] || i > 0 && pairs[key[i-1]+"-"+w] {
			return true
		}
	}
	return len(key) > 0 && slices.Contains(m.ids, strings.Join(key, ""))
}

func timeKey(key []string) bool {
	return slices.ContainsFunc(key, func(w string) bool { return times[w] })
}

func contains(b []byte, s string) bool { return bytes.Contains(b, []byte(s)) }

func reversed(s string) string {
	b := []byte(s)
	slices.Reverse(b)
	return string(b)
}
