package sigma

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"mimamori/event"
	"mimamori/rules"
)

const logons = `title: Failed logon
name: failed
logsource: {product: windows, service: security}
detection: {s: {EventID: 4625}, condition: s}
---
title: Logon
name: success
id: 22222222-0000-0000-0000-000000000001
logsource: {product: windows, service: security}
detection: {s: {EventID: 4624}, condition: s}
---
title: Firewall denies
name: denied
logsource: {category: firewall}
detection: {s: {dst_port: 445}, condition: s}
---
title: Web access
name: web
logsource: {category: proxy}
detection: {s: {cs-method: GET}, condition: s}
---
title: Many failures
name: many_failed
correlation: {type: event_count, rules: [failed], group-by: [TargetUserName], timespan: 10m, condition: {gte: 3}}
`

// correlated imports the rules above and one correlation, and loads what comes.
func correlatedSet(t *testing.T, section string) (*rules.Set, Report) {
	t.Helper()
	dir := t.TempDir()
	text := "title: It\nid: 33333333-0000-0000-0000-000000000000\nlevel: high\nstatus: stable\ncorrelation:\n  " +
		strings.ReplaceAll(strings.TrimSpace(section), "\n", "\n  ") + "\n"
	rep, err := Import(fstest.MapFS{"a/base.yml": {Data: []byte(logons)}, "b/corr.yml": {Data: []byte(text)}}, dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	set, err := rules.Load(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	return set, rep
}

// alerts plays events, one a second or at the seconds that "at" says.
func alerts(t *testing.T, set *rules.Set, events []map[string]any) (got []event.Alert) {
	t.Helper()
	e, x, b := rules.NewEngine(set, rules.Options{}), new(event.Builder), &event.Batch{}
	for i, fields := range events {
		x.Reset()
		at := i
		m := map[string]any{}
		for k, v := range fields {
			if k == "at" {
				at = v.(int)
			} else {
				m[k] = v
			}
		}
		if err := x.SetMap(m); err != nil {
			t.Fatal(err)
		}
		when := time.Date(2026, 11, 2, 0, 0, at, 0, time.UTC).UnixNano()
		x.Set(event.MustLookup("@timestamp"), event.Time(when))
		b.Append(x, event.Ref{Collector: "c", Source: "s", Seq: uint64(i + 1)})
	}
	emit := func(a event.Alert) { got = append(got, a) }
	e.Evaluate(b, emit)
	e.Flush(emit)
	return got
}

func logon(id, user string) map[string]any {
	return map[string]any{"winlog.channel": "Security", "winlog.event_id": id, "winlog.event_data.TargetUserName": user, "winlog.computer_name": "pc1", "municipality": "312011"}
}

func web(user string, bytes int) map[string]any {
	return map[string]any{"event.category": []any{"web"}, "observer.type": "proxy", "http.request.method": "GET", "user.name": user, "http.request.bytes": bytes, "url.domain": fmt.Sprint("d", bytes, ".example.jp")}
}

func from(e map[string]any) map[string]any { e["municipality"] = "312011"; return e }

func deny(ip string) map[string]any {
	return map[string]any{"event.category": []any{"network"}, "destination.port": 445, "source.ip": ip}
}

func later(at int, e map[string]any) map[string]any { e["at"] = at; return e }

func TestCorrelationsFire(t *testing.T) {
	for _, c := range []struct {
		name, section string
		events        []map[string]any
		want          int
	}{
		{"event_count", "type: event_count\nrules: [failed]\ngroup-by: [TargetUserName]\ntimespan: 1m\ncondition: {gte: 2}", []map[string]any{logon("4625", "a"), logon("4625", "b"), logon("4625", "a")}, 1},
		{"event_count by groups", "type: event_count\nrules: [failed]\ngroup-by: [TargetUserName]\ntimespan: 1m\ncondition: {gte: 2}", []map[string]any{logon("4625", "a"), logon("4625", "b")}, 0},
		{"gt is one more", "type: event_count\nrules: [failed]\ngroup-by: [TargetUserName]\ntimespan: 1m\ncondition: {gt: 2}", []map[string]any{logon("4625", "a"), logon("4625", "a")}, 0},
		{"beyond the timespan", "type: event_count\nrules: [failed]\ngroup-by: [TargetUserName]\ntimespan: 1m\ncondition: {gte: 2}", []map[string]any{logon("4625", "a"), later(62, logon("4625", "a"))}, 0},
		{"lt waits for the end", "type: event_count\nrules: [failed]\ngroup-by: [TargetUserName]\ntimespan: 1m\ncondition: {lt: 3}", []map[string]any{logon("4625", "a"), logon("4625", "a"), later(900, logon("4624", "z"))}, 1},
		{"lte does not hold", "type: event_count\nrules: [failed]\ngroup-by: [TargetUserName]\ntimespan: 1m\ncondition: {lte: 2}", []map[string]any{logon("4625", "a"), logon("4625", "a"), logon("4625", "a"), later(900, logon("4624", "z"))}, 0},
		{"eq", "type: event_count\nrules: [failed]\ngroup-by: [TargetUserName]\ntimespan: 1m\ncondition: {eq: 2}", []map[string]any{logon("4625", "a"), logon("4625", "a"), later(900, logon("4624", "z"))}, 1},
		{"neq", "type: event_count\nrules: [failed]\ngroup-by: [TargetUserName]\ntimespan: 1m\ncondition: {neq: 2}", []map[string]any{logon("4625", "a"), logon("4625", "a"), later(900, logon("4624", "z"))}, 0},
		{"several rules together", "type: event_count\nrules: [failed, success]\ngroup-by: [TargetUserName]\ntimespan: 1m\ncondition: {gte: 2}", []map[string]any{logon("4625", "a"), logon("4624", "a")}, 1},
		{"by id", "type: event_count\nrules: [22222222-0000-0000-0000-000000000001]\ngroup-by: [TargetUserName]\ntimespan: 1m\ncondition: {gte: 1}", []map[string]any{logon("4624", "a")}, 1},
		{"value_count", "type: value_count\nrules: [failed]\ngroup-by: [ComputerName]\ntimespan: 1m\ncondition: {field: TargetUserName, gte: 3}", []map[string]any{logon("4625", "a"), logon("4625", "b"), logon("4625", "c")}, 1},
		{"value_count of the same", "type: value_count\nrules: [failed]\ngroup-by: [ComputerName]\ntimespan: 1m\ncondition: {field: TargetUserName, gte: 3}", []map[string]any{logon("4625", "a"), logon("4625", "b"), logon("4625", "a")}, 0},
		{"temporal in any order", "type: temporal\nrules: [failed, success]\ngroup-by: [TargetUserName]\ntimespan: 1m", []map[string]any{logon("4624", "a"), logon("4625", "a")}, 1},
		{"temporal of one group", "type: temporal\nrules: [failed, success]\ngroup-by: [TargetUserName]\ntimespan: 1m", []map[string]any{logon("4624", "a"), logon("4625", "b")}, 0},
		{"temporal_ordered", "type: temporal_ordered\nrules: [failed, success]\ngroup-by: [TargetUserName]\ntimespan: 1m", []map[string]any{logon("4625", "a"), logon("4624", "a")}, 1},
		{"temporal_ordered, not in order", "type: temporal_ordered\nrules: [failed, success]\ngroup-by: [TargetUserName]\ntimespan: 1m", []map[string]any{logon("4624", "a"), logon("4625", "a")}, 0},
		{"temporal_ordered with its condition", "type: temporal_ordered\nrules: [failed, success]\ngroup-by: [TargetUserName]\ntimespan: 1m\ncondition: {gte: 2}", []map[string]any{logon("4625", "a"), logon("4624", "a")}, 1},
		{"a chain", "type: temporal_ordered\nrules: [many_failed, success]\ngroup-by: [TargetUserName]\ntimespan: 10m", []map[string]any{logon("4625", "a"), logon("4625", "a"), logon("4625", "a"), logon("4624", "a")}, 1},
		{"a chain with too few", "type: temporal_ordered\nrules: [many_failed, success]\ngroup-by: [TargetUserName]\ntimespan: 10m", []map[string]any{logon("4625", "a"), logon("4625", "a"), logon("4624", "a")}, 0},
		{"aliases", "type: temporal\nrules: [web, success]\naliases: {who: {web: cs-username, success: TargetUserName}}\ngroup-by: [who]\ntimespan: 1m", []map[string]any{logon("4624", "a"), {"event.category": []any{"web"}, "observer.type": "proxy", "http.request.method": "GET", "user.name": "a", "municipality": "312011"}}, 1},
		{"aliases of another", "type: temporal\nrules: [web, success]\naliases: {who: {web: cs-username, success: TargetUserName}}\ngroup-by: [who]\ntimespan: 1m", []map[string]any{logon("4624", "a"), {"event.category": []any{"web"}, "observer.type": "proxy", "http.request.method": "GET", "user.name": "b", "municipality": "312011"}}, 0},
		{"two sources", "type: temporal\nrules: [web, denied]\naliases: {who: {web: c-ip, denied: src_ip}}\ngroup-by: [who]\ntimespan: 1m", []map[string]any{deny("10.0.0.1"), {"event.category": []any{"web"}, "observer.type": "proxy", "http.request.method": "GET", "source.ip": "10.0.0.1"}}, 1},
		{"value_sum", "type: value_sum\nrules: [web]\ngroup-by: [cs-username]\ntimespan: 1h\ncondition: {field: cs-bytes, gt: 1000}", []map[string]any{web("a", 600), web("b", 600), web("a", 401)}, 1},
		{"value_sum not above", "type: value_sum\nrules: [web]\ngroup-by: [cs-username]\ntimespan: 1h\ncondition: {field: cs-bytes, gt: 1000}", []map[string]any{web("a", 600), web("a", 400)}, 0},
		{"value_avg", "type: value_avg\nrules: [web]\ngroup-by: [cs-username]\ntimespan: 1h\ncondition: {field: cs-bytes, gte: 500}", []map[string]any{web("a", 400), web("a", 600)}, 1},
		{"value_percentile", "type: value_percentile\nrules: [web]\ngroup-by: [cs-username]\ntimespan: 1h\ncondition: {field: cs-bytes, percentile: 50, gte: 300}", []map[string]any{web("a", 100), web("a", 300), web("a", 400)}, 1},
		{"a range", "type: event_count\nrules: [failed]\ngroup-by: [TargetUserName]\ntimespan: 1m\ncondition: {gt: 1, lte: 3}", []map[string]any{logon("4625", "a"), logon("4625", "a"), logon("4625", "b"), later(900, logon("4624", "z"))}, 1},
		{"beyond a range", "type: event_count\nrules: [failed]\ngroup-by: [TargetUserName]\ntimespan: 1m\ncondition: {gte: 1, lt: 2}", []map[string]any{logon("4625", "a"), logon("4625", "a"), later(900, logon("4624", "z"))}, 0},
		{"value_sum in a range", "type: value_sum\nrules: [web]\ngroup-by: [cs-username]\ntimespan: 1m\ncondition: {field: cs-bytes, gt: 1000, lt: 2000}", []map[string]any{web("a", 600), web("a", 500), web("b", 600), web("b", 1500), later(900, logon("4624", "z"))}, 1},
		{"value_count of pairs", "type: value_count\nrules: [failed]\ngroup-by: [ComputerName]\ntimespan: 1m\ncondition: {field: [TargetUserName, EventID], gte: 2}", []map[string]any{logon("4625", "a"), logon("4625", "b")}, 1},
		{"value_count of the same pair", "type: value_count\nrules: [failed, success]\ngroup-by: [ComputerName]\ntimespan: 1m\ncondition: {field: [TargetUserName, EventID], gte: 3}", []map[string]any{logon("4625", "a"), logon("4624", "a"), logon("4625", "a")}, 0},
		{"temporal, two of three", "type: temporal\nrules: [failed, success, many_failed]\ngroup-by: [TargetUserName]\ntimespan: 10m\ncondition: {gte: 2}", []map[string]any{logon("4624", "a"), logon("4625", "a")}, 1},
		{"temporal, only one of three", "type: temporal\nrules: [failed, success, many_failed]\ngroup-by: [TargetUserName]\ntimespan: 10m\ncondition: {gt: 1}", []map[string]any{logon("4625", "a"), logon("4624", "b"), logon("4625", "a")}, 0},
		{"counted under two names", "type: event_count\nrules: [web, success]\naliases: {w: {web: cs-username, success: TargetUserName}}\ngroup-by: [w]\ntimespan: 1m\ncondition: {gte: 3}", []map[string]any{logon("4624", "a"), from(web("a", 1)), from(web("b", 1)), logon("4624", "a")}, 1},
		{"counted once though two rules find it", "type: event_count\nrules: [success, 22222222-0000-0000-0000-000000000001, web]\naliases: {w: {web: cs-username, success: TargetUserName, 22222222-0000-0000-0000-000000000001: TargetUserName}}\ngroup-by: [w]\ntimespan: 1m\ncondition: {gte: 3}", []map[string]any{logon("4624", "a"), from(web("a", 1))}, 0},
		{"another town", "type: temporal\nrules: [failed, success]\ngroup-by: [TargetUserName]\ntimespan: 1m", []map[string]any{logon("4624", "a"), {"winlog.channel": "Security", "winlog.event_id": "4625", "winlog.event_data.TargetUserName": "a", "municipality": "322016"}}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			set, rep := correlatedSet(t, c.section)
			if rep.Refused > 0 {
				t.Fatalf("%+v", rep.Refusals)
			}
			n := 0
			for _, a := range alerts(t, set, c.events) {
				if a.Rule == "33333333-0000-0000-0000-000000000000" {
					n++
				}
			}
			if n != c.want {
				t.Errorf("%d alerts, want %d\n%+v", n, c.want, set.Get("33333333-0000-0000-0000-000000000000").Correlate)
			}
		})
	}
}

func TestWhatACorrelationUsesIsNoFindingOfItsOwn(t *testing.T) {
	section := "type: temporal\nrules: [failed, success]\ngroup-by: [TargetUserName]\ntimespan: 1m"
	for text, want := range map[string]rules.Status{section: rules.Draft, section + "\ngenerate: true": rules.InTest} {
		set, rep := correlatedSet(t, text)
		if got := set.Get("22222222-0000-0000-0000-000000000001").Status; got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
		if told := slices.ContainsFunc(rep.Drafts, func(r Refusal) bool { return r.ID == "22222222-0000-0000-0000-000000000001" }); told != (want == rules.Draft) {
			t.Errorf("%+v", rep.Drafts)
		}
	}
}

func TestCorrelationsThatCannotBeAreRefused(t *testing.T) {
	for section, want := range map[string]string{
		"type: event_count\nrules: [failed]\ngroup-by: [a]\ntimespan: soon\ncondition: {gte: 1}":                                                                             "correlation",
		"type: event_count\nrules: [failed]\ngroup-by: [a]\ntimespan: 1m":                                                                                                    "correlation",
		"type: event_count\nrules: [failed]\ngroup-by: [a]\ntimespan: 1m\ncondition: {gte: x}":                                                                               "correlation",
		"type: event_count\ngroup-by: [a]\ntimespan: 1m\ncondition: {gte: 1}":                                                                                                "correlation",
		"type: value_count\nrules: [failed]\ngroup-by: [a]\ntimespan: 1m\ncondition: {gte: 1}":                                                                               "correlation",
		"type: near\nrules: [failed]\ngroup-by: [a]\ntimespan: 1m\ncondition: {gte: 1}":                                                                                      "correlation",
		"type: temporal\nrules: [failed]\ngroup-by: [a]\ntimespan: 1m":                                                                                                       "correlation",
		"type: temporal\nrules: [failed, success, web]\ngroup-by: [User]\ntimespan: 1m\ncondition: {gte: 2}":                                                                 "field not mapped",
		"type: temporal\nrules: [failed, success]\ngroup-by: [TargetUserName]\ntimespan: 1m\ncondition: {lte: 1}":                                                            "correlation",
		"type: temporal\nrules: [failed, success]\ngroup-by: [TargetUserName]\ntimespan: 1m\ncondition: {gte: 3}":                                                            "correlation",
		"type: temporal\nrules: [failed, success]\ngroup-by: [TargetUserName]\ntimespan: 1m\ncondition: {gte: 1, lt: 2}":                                                     "correlation",
		"type: temporal_ordered\nrules: [failed, success]\ngroup-by: [TargetUserName]\ntimespan: 1m\ncondition: {gte: 1}":                                                    "correlation",
		"type: value_count\nrules: [web, success]\naliases: {w: {web: cs-username, success: TargetUserName}}\ngroup-by: [w]\ntimespan: 1m\ncondition: {field: c-ip, gte: 2}": "correlation",
		"type: temporal\nrules: [web, success]\naliases: {w: {web: cs-username}}\ngroup-by: [w]\ntimespan: 1m":                                                               "correlation",
		"type: temporal\nrules: [many_failed, success]\ngroup-by: [ComputerName]\ntimespan: 1m":                                                                              "chained correlation",
		"type: event_count\nrules: [many_failed]\ngroup-by: [TargetUserName]\ntimespan: 1m\ncondition: {gte: 2}":                                                             "chained correlation",
		"type: value_sum\nrules: [failed]\ngroup-by: [TargetUserName]\ntimespan: 1m\ncondition: {field: Size, gte: 2}":                                                       "not expressible",
		"type: event_count\nrules: [failed]\ngroup-by: [TargetUserName]\ntimespan: 1m\ncondition: {gt: 9, lt: 2}":                                                            "not expressible",
	} {
		_, rep := correlatedSet(t, section)
		if rep.Reasons[want] != 1 {
			t.Errorf("%s: want %s: %v %+v", section, want, rep.Reasons, rep.Refusals)
		}
	}
}

// The specification's chain of failed logons, in one file, outermost first.
func TestAChainInOneFileIsImported(t *testing.T) {
	text := "title: Guessed\ncorrelation: {type: temporal_ordered, rules: [many_failed, success], group-by: [TargetUserName], timespan: 10m}\n---\n" + logons
	dir := t.TempDir()
	rep, err := Import(fstest.MapFS{"x.yml": {Data: []byte(text)}}, dir, Options{})
	if err != nil || rep.Refused > 0 {
		t.Fatal(err, rep.Refusals)
	}
	set, err := rules.Load(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	running := 0
	for _, r := range set.Rules() {
		if r.Status != rules.Draft {
			running++
		}
	}
	if running != 3 { // the chain, and the two rules that it does not use
		t.Errorf("%d rules run", running)
	}
}

func TestARuleThatIsNotThereMakesADraft(t *testing.T) {
	set, rep := correlatedSet(t, "type: event_count\nrules: [5638f7c0-ac70-491d-8465-2a65075e0d86]\ngroup-by: [ComputerName]\ntimespan: 1h\ncondition: {gte: 100}")
	if r := set.Get("33333333-0000-0000-0000-000000000000"); r == nil || r.Status != rules.Draft {
		t.Fatalf("%+v", rep)
	}
}

func TestFiltersAreAdded(t *testing.T) {
	rule := func(id, source string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte("title: R\nid: " + id + "\nlogsource: {" + source + "}\ndetection: {s: {Image: a}, condition: s}\n")}
	}
	filter := func(rules, condition string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte("title: Admins\nlogsource: {" + processCreation + "}\nfilter:\n  rules: " + rules + "\n  selection: {User|startswith: adm_}\n  condition: " + condition + "\n")}
	}
	for _, c := range []struct {
		rules, condition string
		applied          int
		kept             string // of the events with adm_ and without
	}{
		{"[r1]", "selection", 1, "x"}, {"[r1]", "not selection", 1, "x"}, {"any", "selection", 2, "x"}, {"[nowhere]", "selection", 0, "ax"},
	} {
		dir := t.TempDir()
		rep, err := Import(fstest.MapFS{"a.yml": rule("r1", processCreation), "b.yml": rule("r2", processCreation), "c.yml": rule("r3", "product: windows, category: image_load"), "f.yml": filter(c.rules, c.condition)}, dir, Options{})
		if err != nil || rep.Refused > 0 || rep.Imported != 4 || len(rep.Filters) != 1 || rep.Filters[0].Rules != c.applied {
			t.Fatalf("%v %+v", err, rep)
		}
		set, err := rules.Load(os.DirFS(dir))
		if err != nil {
			t.Fatal(err)
		}
		kept := ""
		for _, user := range []string{"adm_1", "x"} {
			for _, a := range alerts(t, set, []map[string]any{{"winlog.channel": "Microsoft-Windows-Sysmon/Operational", "winlog.event_id": "1", "winlog.event_data.Image": "A", "winlog.event_data.User": user}}) {
				if a.Rule == "r1" {
					kept += user[:1]
				}
			}
		}
		if kept != c.kept {
			t.Errorf("%s %s: kept %q", c.rules, c.condition, kept)
		}
		text, _ := os.ReadFile(dir + "/r1.yaml")
		if told := strings.Contains(string(text), "# Filtered by Admins (f.yml)"); told != (c.applied > 0) {
			t.Errorf("%s", text)
		}
	}
}

// lists answers as a site's lists would.
type lists map[string][]string

func (l lists) Contains(list, value string) bool {
	name := strings.Trim(list, "*")
	return slices.ContainsFunc(l[name], func(m string) bool {
		switch {
		case strings.HasPrefix(list, "*") && strings.HasSuffix(list, "*"):
			return strings.Contains(value, m)
		case strings.HasPrefix(list, "*"):
			return strings.HasSuffix(value, m)
		case strings.HasSuffix(list, "*"):
			return strings.HasPrefix(value, m)
		}
		return value == m
	})
}

func TestPlaceholdersAskNamedLists(t *testing.T) {
	for _, c := range []struct {
		item, text string
		want       bool
	}{
		{"Image|expand: '%Servers%'", "srv1", true},
		{"Image|expand: '%Servers%'", "srv12", false},
		{"Image|expand: ['%Servers%', x]", "x", true},
		{"Image|contains|expand: '%Servers%'", "a srv1 b", true},
		{"Image|startswith|expand: '%Servers%'", "srv12", true},
		{"Image|endswith|expand: '%Servers%'", "xsrv1", true},
		{"Image|endswith|expand: '%Servers%'", "srv12", false},
		{"Image: '%Servers%'", "srv1", false},
		{`Image|expand: '\%plain\%'`, "%plain%", true},
		{"Image|cidr|expand: '%Servers%'", "srv1", true},
	} {
		r := convert(t, sigmaRule(processCreation, "s: {"+c.item+"}\ncondition: s"))
		set, err := rules.NewSet(r)
		if err != nil {
			t.Fatal(err)
		}
		x, b, n := new(event.Builder), event.Batch{}, 0
		if err := x.Decode([]byte(sysmon(`"Image":"` + c.text + `"`))); err != nil {
			t.Fatal(err)
		}
		rules.NewEngine(set, rules.Options{Lists: lists{"Servers": {"srv1"}}}).Match(b.Append(x, event.Ref{}), func(*rules.Rule) { n++ })
		if got := n == 1; got != c.want {
			t.Errorf("%s, %s: %v", c.item, c.text, got)
		}
	}
}
