package sigma

import (
	"errors"
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
	rep, err := Import(fstest.MapFS{"a/r.yml": {Data: sigmaRule(source, detection)}}, dir)
	if err != nil {
		t.Fatal(err)
	}
	if rep.Imported != 1 {
		t.Fatalf("refused: %+v", rep.Rules)
	}
	s, err := rules.Load(os.DirFS(dir), ".")
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
		"s: {Image|expand: '%x%'}\ncondition: s":               "placeholder",
		"s: {Image|hour: 3}\ncondition: s":                     "modifier",
		"s: {Image: a}\ncondition: s | count() > 5":            "aggregation",
		"s: {Image: a}\ncondition: s and":                      "condition",
		"s: {Image: a}\ncondition: 2 of s*":                    "condition",
		"s: {Image|gt: 5}\ncondition: s":                       "order of text",
		"s: {Image|base64offset|contains: 'a*'}\ncondition: s": "wildcard in encoded value",
	} {
		rep, err := Import(fstest.MapFS{"r.yml": {Data: sigmaRule(processCreation, detection)}}, t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		if rep.Refused != 1 || rep.Reasons[want] != 1 {
			t.Errorf("%s: %v %+v", detection, rep.Reasons, rep.Rules)
		}
	}
	rep, _ := Import(fstest.MapFS{"r.yml": {Data: sigmaRule("product: cp/m", "s: {a: b}\ncondition: s")}}, t.TempDir())
	if rep.Reasons["log source not mapped"] != 1 {
		t.Errorf("%+v", rep)
	}
}

func TestTheImportedRuleIsReadable(t *testing.T) {
	dir := t.TempDir()
	src := sigmaRule(processCreation, "s:\n    Image|endswith: '\\powershell.exe'\n    CommandLine|contains: [' -enc ', ' -e ']\nf: {ParentImage|startswith: 'C:\\Tools\\'}\ncondition: s and not f")
	if _, err := Import(fstest.MapFS{"rules/a.yml": {Data: src}}, dir); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(dir, "11111111-2222-3333-4444-555555555555.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	want := "# From SigmaHQ: rules/a.yml\n# Author: Hanako (Detection Rule License 1.1)\n" + `id: 11111111-2222-3333-4444-555555555555
title: {en: "A test"}
severity: high
status: stable
owner: sigma
attack: [T1059.001]
when: |
  (winlog.channel == "Microsoft-Windows-Sysmon/Operational" && winlog.event_id == "1" || winlog.channel == "Security" && winlog.event_id == "4688")
  && (iendsWith(winlog.event_data.Image, ` + "`\\powershell.exe`" + `)
    || iendsWith(winlog.event_data.NewProcessName, ` + "`\\powershell.exe`" + `))
  && icontains(winlog.event_data.CommandLine, " -enc ", " -e ")
  && not (istartsWith(winlog.event_data.ParentImage, ` + "`C:\\Tools\\`" + `)
    || istartsWith(winlog.event_data.ParentProcessName, ` + "`C:\\Tools\\`" + `))
`
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func FuzzConvert(f *testing.F) {
	f.Add(sigmaRule(processCreation, "s: {Image|endswith: a}\ncondition: 1 of s* and not (s or s)"))
	f.Add([]byte("id: x\ndetection: {a: [{b: c}, d], condition: [a, not a]}\nlogsource: {product: linux}"))
	m, err := loadMappings()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		rep := Report{Reasons: map[string]int{}}
		if err := rep.one(m, "x.yml", data, t.TempDir(), map[string]string{}); err != nil && !errors.Is(err, os.ErrInvalid) {
			t.Skip(err) // about writing the file
		}
	})
}
