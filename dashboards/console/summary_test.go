package console

import (
	"strings"
	"testing"

	"mimamori/event"
)

func TestSummarySaysWhoDidWhatInOneLine(t *testing.T) {
	v := &view{Lang: japanese, texts: must(loadTexts()), towns: newTowns()}
	for _, c := range []struct{ json, want string }{
		{`{"event":{"action":"deny"},"source":{"ip":"10.1.2.3","port":4000},"destination":{"ip":"203.0.113.9","port":445},"rule":{"name":"p1"}}`, "拒否 10.1.2.3:4000 → 203.0.113.9:445"},
		{`{"event":{"action":"close"},"destination":{"ip":"2001:db8::1","port":443}}`, "通信終了 → [2001:db8::1]:443"},
		{`{"event":{"action":"logon-failed"},"user":{"name":"田中"}}`, "サインイン失敗 田中"},
		{`{"event":{"action":"odd"},"message":"line one\n\tline two"}`, "line one line two"},
		{`{"event":{"original":"<13>raw"}}`, "<13>raw"},
		{`{"event":{"action":"ids"},"rule":{"name":"ET SCAN"}}`, "ids ET SCAN"},
		{`{}`, ""},
		{`{"message":"` + strings.Repeat("あ", 500) + `"}`, strings.Repeat("あ", 199) + "…"},
	} {
		b, batch := &event.Builder{}, &event.Batch{}
		if err := b.Decode([]byte(c.json)); err != nil {
			t.Fatal(err)
		}
		if got := v.summary(batch.Append(b, event.Ref{})); got != c.want {
			t.Errorf("%s: got %q, want %q", c.json, got, c.want)
		}
	}
}
