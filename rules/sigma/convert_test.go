package sigma

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"mimamori/event"
	"mimamori/rules"
)

// sigmaRule writes a Sigma rule around a detection section.
func sigmaRule(source, detection string) []byte {
	return []byte("title: A test\nid: 11111111-2222-3333-4444-555555555555\nstatus: stable\nlevel: high\nauthor: Hanako\ntags: [attack.t1059.001, attack.execution]\n" +
		"logsource: {" + source + "}\ndetection:\n  " + strings.ReplaceAll(strings.TrimSpace(detection), "\n", "\n  ") + "\n")
}

const processCreation = "product: windows, category: process_creation"

// fires imports one rule and asks whether it matches an event.
func fires(t *testing.T, source, detection, js string) bool {
	t.Helper()
	dir := t.TempDir()
	rep, err := Import(fstest.MapFS{"a/r.yml": {Data: sigmaRule(source, detection)}}, dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if rep.Imported != 1 {
		t.Fatalf("refused: %+v", rep.Refusals)
	}
	s, err := rules.Load(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	x, b := new(event.Builder), event.Batch{}
	if err := x.Decode([]byte(js)); err != nil {
		t.Fatal(err)
	}
	n := 0
	rules.NewEngine(s, rules.Options{}).Match(b.Append(x, event.Ref{}), func(*rules.Rule) { n++ })
	return n == 1
}

func sysmon(fields string) string {
	return `{"winlog":{"channel":"Microsoft-Windows-Sysmon/Operational","event_id":"1","event_data":{` + fields + `}}}`
}

func TestDetectionsMeanWhatTheSpecificationSays(t *testing.T) {
	type c struct {
		name, detection, event string
		want                   bool
	}
	for _, c := range []c{
		{"letter case is ignored", "s: {Image: 'C:\\A.exe'}\ncondition: s", sysmon(`"Image":"c:\\a.EXE"`), true},
		{"cased heeds it", "s: {Image|cased: 'C:\\A.exe'}\ncondition: s", sysmon(`"Image":"c:\\a.EXE"`), false},
		{"endswith", "s: {Image|endswith: ['\\x.exe', '\\a.exe']}\ncondition: s", sysmon(`"Image":"c:\\A.exe"`), true},
		{"a list is an or", "s: {CommandLine|contains: [foo, bar]}\ncondition: s", sysmon(`"CommandLine":"a bar"`), true},
		{"all is an and", "s: {CommandLine|contains|all: [foo, bar]}\ncondition: s", sysmon(`"CommandLine":"a bar"`), false},
		{"fields are an and", "s: {CommandLine: a, Image: b}\ncondition: s", sysmon(`"CommandLine":"a"`), false},
		{"a list of maps is an or", "s: [{CommandLine: a}, {Image: b}]\ncondition: s", sysmon(`"CommandLine":"a"`), true},
		{"wildcards", "s: {CommandLine: '*foo?bar*'}\ncondition: s", sysmon(`"CommandLine":"x fooXbar y"`), true},
		{"an escaped star is a star", "s: {CommandLine|contains: 'a\\*b'}\ncondition: s", sysmon(`"CommandLine":"aXb"`), false},
		{"an escaped star is found", "s: {CommandLine|contains: 'a\\*b'}\ncondition: s", sysmon(`"CommandLine":"xa*by"`), true},
		{"two backslashes are one", "s: {CommandLine: 'a\\\\b'}\ncondition: s", sysmon(`"CommandLine":"a\\b"`), true},
		{"null is absent", "s: {CommandLine: null}\ncondition: s", sysmon(`"Image":"x"`), true},
		{"null is not there", "s: {CommandLine: null}\ncondition: s", sysmon(`"CommandLine":"x"`), false},
		{"null or a value", "s: {CommandLine: [null, x]}\ncondition: s", sysmon(`"CommandLine":"x"`), true},
		{"null with an alias", "s: {Image: null}\ncondition: s", sysmon(`"NewProcessName":"x"`), false},
		{"exists", "s: {CommandLine|exists: true}\ncondition: s", sysmon(`"CommandLine":"x"`), true},
		{"not 1 of", "s: {Image: a}\nfilter_x: {CommandLine: b}\nfilter_y: {CommandLine: c}\ncondition: s and not 1 of filter_*", sysmon(`"Image":"a","CommandLine":"c"`), false},
		{"all of them", "x: {Image: a}\ny: {CommandLine: c}\n_z: {Image: q}\ncondition: all of them", sysmon(`"Image":"a","CommandLine":"c"`), true},
		{"not binds closest, then and", "a: {Image: a}\nb: {Image: b}\nc: {Image: c}\ncondition: a or b and not c", sysmon(`"Image":"a"`), true},
		{"brackets", "a: {Image: a}\nb: {Image: b}\nc: {CommandLine: c}\ncondition: (a or b) and c", sysmon(`"Image":"a"`), false},
		{"re", "s: {CommandLine|re: 'fo+ b'}\ncondition: s", sysmon(`"CommandLine":"x fooo b"`), true},
		{"re heeds letter case", "s: {CommandLine|re: 'FO+'}\ncondition: s", sysmon(`"CommandLine":"fooo"`), false},
		{"re|i does not", "s: {CommandLine|re|i: 'FO+'}\ncondition: s", sysmon(`"CommandLine":"fooo"`), true},
		{"not re", "s: {Image: a}\nf: {CommandLine|re: 'x'}\ncondition: s and not f", sysmon(`"Image":"a","CommandLine":"y"`), true},
		{"windash", "s: {CommandLine|windash|contains: ' -enc'}\ncondition: s", sysmon(`"CommandLine":"powershell /enc x"`), true},
		{"windash leaves hyphens in words", "s: {CommandLine|windash|contains: 'a-b'}\ncondition: s", sysmon(`"CommandLine":"a/b"`), false},
		{"base64offset", "s: {CommandLine|base64offset|contains: 'http://'}\ncondition: s", sysmon(`"CommandLine":"eGh0dHA6Ly9h"`), true},
		{"wide base64offset", "s: {CommandLine|wide|base64offset|contains: 'ping'}\ncondition: s", sysmon(`"CommandLine":"cABpAG4AZwA="`), true},
		{"fieldref", "s: {Image|fieldref: ParentImage}\ncondition: s", sysmon(`"Image":"A","ParentImage":"a"`), true},
		{"cidr", "s: {DestinationIp|cidr: 10.0.0.0/8}\ncondition: s", sysmon(`"DestinationIp":"10.9.9.9"`), true},
		{"neq", "s: {Image|neq: a}\ncondition: s", sysmon(`"Image":"b"`), true},
		{"a number", "s: {LogonId: 999}\ncondition: s", sysmon(`"LogonId":"999"`), true},
		{"keywords", "k: [mimikatz, kekeo]\ncondition: k", `{"message":"Run Mimikatz now","winlog":{"channel":"Security","event_id":"4688"}}`, true},
		{"keywords, all", "k:\n  '|all': [foo, bar]\ncondition: k", `{"message":"foo","winlog":{"channel":"Security","event_id":"4688"}}`, false},
		{"security auditing", "s: {Image|endswith: '\\a.exe', IntegrityLevel: High}\ncondition: s", `{"winlog":{"channel":"Security","event_id":"4688","event_data":{"NewProcessName":"C:\\a.exe","MandatoryLabel":"S-1-16-12288"}}}`, true},
		{"another event id", "s: {Image: a}\ncondition: s", `{"winlog":{"channel":"Microsoft-Windows-Sysmon/Operational","event_id":"5","event_data":{"Image":"a"}}}`, false},
		{"japanese, quotes, line ends", "s: {CommandLine|contains: \"住民 \\\"x\\\"\\n`y`\"}\ncondition: s", sysmon(`"CommandLine":"a 住民 \"x\"\n` + "`y`" + ` b"`), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := fires(t, processCreation, c.detection, c.event); got != c.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestWhatCannotBeExpressedIsRefusedWithItsReason(t *testing.T) {
	for detection, want := range map[string]string{
		"s: {Image|re: '(?<=a)b'}\ncondition: s":               "regular expression",
		"s: {Image|expand: 'a%x%'}\ncondition: s":              "placeholder",
		"s: {Image|hour|contains: 3}\ncondition: s":            "modifier",
		"s: {Image|contains|endswith: 3}\ncondition: s":        "modifier",
		"s: {Image|i: 3}\ncondition: s":                        "modifier",
		"s: {Image|later: 3}\ncondition: s":                    "modifier",
		"s: {Image|utf16: a}\ncondition: s":                    "modifier",
		"s: {Image|windash: '-a -b -c -d -e'}\ncondition: s":   "modifier",
		"s: {Image|gt: x}\ncondition: s":                       "value",
		"s: {Image|cidr: x}\ncondition: s":                     "value",
		"s: {Image: a}\ncondition: s | count() > 5":            "aggregation",
		"s: {Image: a}\ncondition: s and":                      "condition",
		"s: {Image: a}\ncondition: 2 of s*":                    "condition",
		"s: {Image|base64offset|contains: 'a*'}\ncondition: s": "wildcard in encoded value",
	} {
		rep, err := Import(fstest.MapFS{"r.yml": {Data: sigmaRule(processCreation, detection)}}, t.TempDir(), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if rep.Refused != 1 || rep.Reasons[want] != 1 {
			t.Errorf("%s: %v %+v", detection, rep.Reasons, rep.Refusals)
		}
	}
	rep, _ := Import(fstest.MapFS{"r.yml": {Data: sigmaRule("product: cp/m", "s: {a: b}\ncondition: s")}}, t.TempDir(), Options{})
	if rep.Reasons["log source not mapped"] != 1 {
		t.Errorf("%+v", rep)
	}
}

func TestTheImportedRuleIsReadable(t *testing.T) {
	dir := t.TempDir()
	src := sigmaRule(processCreation, "s:\n    Image|endswith: '\\powershell.exe'\n    CommandLine|contains: [' -enc ', ' -e ']\nf: {ParentImage|startswith: 'C:\\Tools\\'}\ncondition: s and not f")
	if _, err := Import(fstest.MapFS{"rules/a.yml": {Data: src}}, dir, Options{}); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(dir, "11111111-2222-3333-4444-555555555555.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	want := `# Imported from Sigma: rules/a.yml
# Author: Hanako (Detection Rule License 1.1)
# The next import writes this file anew; what a site changes belongs into overrides/11111111-2222-3333-4444-555555555555.yaml.
id: 11111111-2222-3333-4444-555555555555
title: {ja: "【英文のみ】A test", en: "A test"}
severity: high
status: stable
owner: sigma
attack: [T1059.001]
when: |
  (iequals(winlog.channel, "Microsoft-Windows-Sysmon/Operational") && winlog.event_id == "1" || iequals(winlog.channel, "Security") && winlog.event_id == "4688")
  && (iendsWith(winlog.event_data.Image, ` + "`\\powershell.exe`" + `)
    || iendsWith(winlog.event_data.NewProcessName, ` + "`\\powershell.exe`" + `))
  && icontains(winlog.event_data.CommandLine, " -enc ", " -e ")
  && not (istartsWith(winlog.event_data.ParentImage, ` + "`C:\\Tools\\`" + `)
    || istartsWith(winlog.event_data.ParentProcessName, ` + "`C:\\Tools\\`" + `))
suppress: {by: [municipality, host.name, user.name], for: 1h}
explain: {ja: "Sigma から取り込んだ規則です。日本語の説明はありません。英文をご覧ください。"}
`
	if string(got) != sealed(want) {
		t.Errorf("got\n%s\nwant\n%s", got, sealed(want))
	}
}

// FuzzConvert: whatever a file holds, it ends in rule files that load, or in
// reasons.
func FuzzConvert(f *testing.F) {
	f.Add(sigmaRule(processCreation, "s: {Image|endswith: a}\ncondition: 1 of s* and not (s or s)"))
	f.Add(sigmaRule(processCreation, "s: {Image|windash|base64offset|contains: [a, 'b']}\nk: [x, '*y?z']\nr: {Image|re|i: 'a+', ParentImage|fieldref|neq: Image}\ncondition: [s, k and not r]"))
	f.Add([]byte("id: x\ndetection: {a: [{b: c}, d], condition: [a, not a]}\nlogsource: {product: linux}"))
	f.Add([]byte(logons + "---\ntitle: C\ncorrelation: {type: temporal, rules: [failed, many_failed], aliases: {a: {failed: b}}, group-by: [a], timespan: 1m, condition: {gte: 2}}\n"))
	f.Add([]byte(logons + "---\ntitle: F\nlogsource: {product: windows, service: security}\nfilter: {rules: any, selection: {User|startswith: adm_}, condition: not selection}\n"))
	m, err := loadMappings()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		docs := readFile("x.yml", data)
		c := newConverter(m, docs)
		for _, d := range docs {
			text, err := c.file(d)
			if err != nil || d.rule.Filter != nil {
				continue
			}
			if _, err := rules.Parse(d.id+".yaml", []byte(text)); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestHostileRulesAreRefused(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	for name, detection := range map[string]string{
		"brackets":   "s: {Image: a}\ncondition: " + strings.Repeat("(", 100_000) + "s",
		"nots":       "s: {Image: a}\ncondition: " + strings.Repeat("not ", 100_000) + "s",
		"repetition": "s: {Image: " + long + "}\ncondition: s" + strings.Repeat(" or s", 10_000),
		"forms":      "s: {Image|windash: ' -a -b -c -d " + long + "'}\ncondition: s",
		"values":     "s: {Image: [" + strings.Repeat("a, ", 10_000) + "b]}\ncondition: s",
		"nesting":    "s: " + strings.Repeat("[", 10_000) + "\ncondition: s",
		"aliases":    "s: &a {Image: a}\nr: *a\ncondition: s",
		"size":       "s: {Image: a}\ncondition: s\n" + strings.Repeat("# "+long+"\n", 11),
		"repeats":    "s: {Image|re: '((a{1000}){1000}){1000}'}\ncondition: s",
	} {
		rep, err := Import(fstest.MapFS{"r.yml": {Data: sigmaRule(processCreation, detection)}}, "", Options{DryRun: true})
		if err != nil || rep.Refused != 1 {
			t.Errorf("%s: %v %+v", name, err, rep)
		}
	}
}
