package storetest

import (
	"context"
	"testing"
	"time"

	"mimamori/event"
)

func readBack(t *testing.T, s Subject, o *oracle) {
	got, _, err := collect(s, event.Query{Limit: 700})
	if err != nil {
		t.Fatal(err)
	}
	back := map[event.Ref]*event.Event{}
	for i := range got {
		back[got[i].Ref] = &got[i]
	}
	for i := range o.all.Events {
		e := &o.all.Events[i]
		if back[e.Ref] == nil {
			t.Fatalf("%v is not there", e.Ref)
		}
		if d := same(e, back[e.Ref]); d != "" {
			t.Errorf("%v: %s", e.Ref, d)
		}
		if i%50 > 0 {
			continue
		}
		if one, err := s.Get(context.Background(), e.Ref, nil); err != nil || same(e, &one.Events[0]) != "" {
			t.Errorf("%v: %v", e.Ref, err)
		}
	}
	if len(got) != len(o.all.Events) {
		t.Errorf("%d events, not %d", len(got), len(o.all.Events))
	}
}

// asked are questions as people write them, one for each thing of the language.
var asked = []string{
	``, `true`, `false`, `deny`, `DENY`, `"10.2.3"`, `10.1.2.3`, `sessionid`, `日本`, `"日本語"`, `日`, `ファイル`, `エラー`, `接続エラー`, `が`, `か`, `葛`, `needle`, `long`, `svchost`, `"policy internet"`, `"office to internet"`,
	`http www`, `k`, `kelvin`, `ix`, `"a_b"`, `_`, `"="`, `"1.2"`, `"'"`, `"x10.1.2.3:443"`, `example.jp`,
	`has(source.ip)`, `not has(source.ip)`, `has(tags)`, `has(@timestamp)`, `not has(@timestamp)`, `has(x.vendor)`, `has(event.original)`, `has(message)`, `has(event.risk_score)`, `source.ip == nil`,
	`event.action == "deny"`, `event.action != "deny"`, `event.action in ["deny", "x"]`, `user.name == "sato"`, `lower(user.name) == "sato"`, `user.name == ""`, `tags == "a"`, `tags != "a"`,
	`user.name contains "a"`, `icontains(user.name, "k")`, `icontains(user.name, "i")`, `icontains(user.name, "ß")`, `user.name startsWith "日本"`, `user.name endsWith "語ログ"`, `iendsWith(user.name, "\\X.EXE")`, `like(user.name, "a*")`, `like(user.name, "?")`,
	`ilike(user.name, "*\\\\*.EXE")`, `like(user.name, "*\\**")`, `ilike(tags, "Z*")`, `user.name matches "^[0-9.]+$"`, `imatches(user.name, "sato")`, `user.name matches "a|b"`, `user.name contains "needle"`, `user.name == "needle"`,
	`x.vendor == "sato"`, `x.vendor == "7"`, `x.vendor contains "a"`, `icontains(x.vendor, "A")`, `x.vendor startsWith "日"`, `x.vendor != "a"`, `inList(user.name, "known")`, `inList(source.ip, "known")`, `inList(x.vendor, "known")`, `inList(user.name, "none")`,
	`source.ip == "10.1.2.3"`, `inCIDR(source.ip, "10.0.0.0/8")`, `inCIDR(source.ip, "0.0.0.0/0")`, `inCIDR(source.ip, "::/0")`, `inCIDR(source.ip, "2001:db8::/32", "172.16.0.0/12")`, `inCIDR(url.domain, "10.1.2.0/24")`, `inCIDR(related.ip, "10.0.0.0/30")`, `source.ip startsWith "10."`, `source.ip contains "25"`,
	`source.port == 443`, `source.port != 443`, `source.port > 9007199254740992`, `source.port == 9007199254740992.0`, `source.port < 0.5`, `source.port >= 0.5`, `source.port <= -0.5`, `source.port < 1e300`, `source.port > 1e300`, `source.port in [0, 1]`, `source.port == 0.0`, `source.port >= 9223372036854775807.0`,
	`event.risk_score == 0`, `event.risk_score > 0.4`, `event.risk_score <= -1.25`, `event.risk_score < 1e301`, `file.code_signature.signed`, `not file.code_signature.signed`, `file.code_signature.signed == false`,
	`event.created < "1970-01-01T00:00:00.000000001Z"`, `event.created >= "1960-01-01T00:00:00Z"`, `event.created == "1970-01-01T00:00:01Z"`, `@timestamp >= "2026-11-02T23:00:00+09:00"`, `@timestamp < "1970-01-01T00:00:00Z"`,
	`hour(@timestamp) >= 22 or hour(@timestamp) < 7`, `minute(@timestamp) == 7`, `day(@timestamp) == 3`, `week(@timestamp) == 45`, `month(@timestamp) == 11`, `year(@timestamp) == 2026`, `holiday(@timestamp) and year(@timestamp) == 2026`, `not holiday(@timestamp) and year(@timestamp) == 2026`, `holiday(event.created) and year(event.created) in [2001, 2026]`, `hour(event.created) == 9`, `month(user.name) == 11`, `number(user.name) > 6`, `number(x.vendor) == 7`,
	`source.ip == destination.ip`, `source.ip != destination.ip`, `source.port < destination.port`, `user.name == host.name`, `lower(user.name) == lower(host.name)`, `message == event.original`,
	`message contains "Process"`, `message contains "process"`, `icontains(message, "PROCESS CREATE")`, `event.original startsWith "日本"`, `event.original endsWith "3"`, `like(event.original, "*policy*internet*")`, `event.original == "日本語ログ"`, `event.original matches "srcport=[0-9]{5} "`, `imatches(event.original, "SATO|kelvin")`,
	`event.category == "web" and not (url.original contains "example.com")`, `(event.action == "deny" or user.name == "sato") and source.port > 1000`, `not (user.name contains "a" or has(source.ip))`, `event.action == "deny" ? source.port > 30000 : has(user.name)`,
	`fortinet.fortigate.policyid == "7"`, `number(fortinet.fortigate.duration) >= 200`, `fortinet.fortigate.service != "HTTPS"`, `text("deny") and not text("HTTPS")`, `collector == "odd"`, `municipality in ["312011", "no code"]`,
}

func questions(t *testing.T, s Subject, o *oracle) {
	from := began.Add(time.Hour)
	for i, text := range asked {
		o.check(t, s, event.Query{Text: text, Limit: 1000})
		switch i % 4 {
		case 0:
			o.check(t, s, event.Query{Text: text, From: from, To: from.Add(90 * time.Minute), Limit: 300})
		case 1:
			o.check(t, s, event.Query{Text: text, Tenants: []string{"312011"}, Limit: 37})
		case 2:
			o.check(t, s, event.Query{Text: text, To: from, Tenants: []string{"312029", "no code"}})
		}
	}
}

func tenants(t *testing.T, s Subject, o *oracle) {
	hostile := []string{"312011' OR '1'='1", "*", "\x00", "312011,312029", ""}
	for _, list := range [][]string{{}, hostile, {"312011", "312011"}} {
		for _, text := range []string{"", `true || municipality == "312029"`, `not has(x.none)`} {
			o.check(t, s, event.Query{Text: text, Tenants: list})
		}
	}
	for i := range o.all.Events {
		e := &o.all.Events[i]
		if own := e.Str(townField); i%40 == 0 {
			if _, err := s.Get(context.Background(), e.Ref, []string{"312011"}); (err == nil) != (own == "312011") {
				t.Errorf("an event of %q asked for by 312011: %v", own, err)
			}
		}
	}
}
