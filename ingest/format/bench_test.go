package format

import (
	"strings"
	"testing"
	"time"

	"mimamori/event"
)

const (
	benchFortiGate = `<189>date=2026-11-01 time=09:15:02 devname="fw-tottori-01" devid="FGT60FTK26000001" eventtime=1793492102123456789 tz="+0900" logid="0000000013" type="traffic" subtype="forward" level="notice" vd="root" srcip=10.31.4.20 srcport=51934 srcintf="internal" srcintfrole="lan" dstip=203.0.113.80 dstport=443 dstintf="wan1" dstintfrole="wan" srccountry="Reserved" dstcountry="Japan" sessionid=812734 proto=6 action="close" policyid=12 policytype="policy" policyname="internet-out" service="HTTPS" trandisp="snat" transip=198.51.100.4 transport=51934 appcat="unscanned" duration=61 sentbyte=2310 rcvdbyte=90211 sentpkt=18 rcvdpkt=74`
	benchSquid     = `1793490302.123    182 10.31.4.20 TCP_MISS/200 18400 GET http://www.example.jp:8080/a/b.html?q=%E5%BA%81 sato HIER_DIRECT/203.0.113.80 text/html`
	benchSysmon    = `{"System":{"Provider":{"#attributes":{"Name":"Microsoft-Windows-Sysmon","Guid":"5770385F-C22A-43E0-BF4C-06F5698FFBD9"}},"EventID":1,"Version":5,"Level":4,"Task":1,"Opcode":0,"Keywords":"0x8000000000000000","TimeCreated":{"#attributes":{"SystemTime":"2026-11-01T00:15:01.123456Z"}},"EventRecordID":90211,"Correlation":null,"Execution":{"#attributes":{"ProcessID":2210,"ThreadID":3344}},"Channel":"Microsoft-Windows-Sysmon/Operational","Computer":"pc-0420.town.example.jp","Security":{"#attributes":{"UserID":"S-1-5-18"}}},"EventData":{"RuleName":"-","UtcTime":"2026-11-01 00:15:01.100","ProcessGuid":"0a1b2c3d-0001-0002-0000-00100a0b0c0d","ProcessId":4711,"Image":"C:\\Windows\\System32\\cmd.exe","FileVersion":"10.0.19041.1 (WinBuild.160101.0800)","Description":"Windows Command Processor","Product":"Microsoft Windows Operating System","Company":"Microsoft Corporation","OriginalFileName":"Cmd.Exe","CommandLine":"C:\\Windows\\System32\\cmd.exe /c whoami","CurrentDirectory":"C:\\Users\\sato\\","User":"TOWN\\sato","LogonGuid":"0a1b2c3d-0001-0002-0000-002000000000","LogonId":"0x3e7","TerminalSessionId":1,"IntegrityLevel":"Medium","Hashes":"MD5=8A2122E8162DBEF04694B9C3E0B6CDEE,SHA256=B99D61D874728EDC0918CA0EB10EAB93D381E7367E377406E65963366C874450","ParentProcessGuid":"0a1b2c3d-0001-0002-0000-0010ffffffff","ParentProcessId":812,"ParentImage":"C:\\Windows\\explorer.exe","ParentCommandLine":"C:\\Windows\\explorer.exe"}}`
)

func benchLines(b *testing.B, lines ...string) {
	p := builtinSet(b).Parser(Options{})
	received := time.Date(2026, 11, 1, 1, 0, 0, 0, time.UTC)
	x := &event.Builder{}
	size := 0
	for _, l := range lines {
		size += len(l)
		x.Reset()
		if res := p.Parse(Input{Line: l, Received: received}, x); res.Format == "" || res.Reason != "" {
			b.Fatal(res, l)
		}
	}
	b.SetBytes(int64(size / len(lines) * 40))
	b.ReportAllocs()
	// The fastest round beside the mean: other work on the machine only adds.
	const rounds = 40
	fastest := time.Hour
	for b.Loop() {
		start := time.Now()
		for i := range rounds {
			x.Reset()
			p.Parse(Input{Line: lines[i%len(lines)], Received: received}, x)
		}
		fastest = min(fastest, time.Since(start))
	}
	b.ReportMetric(float64(fastest)/rounds, "ns/line")
}

func BenchmarkFortiGate(b *testing.B) { benchLines(b, benchFortiGate) }
func BenchmarkSysmon(b *testing.B)    { benchLines(b, benchSysmon) }
func BenchmarkSquid(b *testing.B)     { benchLines(b, benchSquid) }

func BenchmarkMixed(b *testing.B) {
	utm := strings.Replace(benchFortiGate, `type="traffic" subtype="forward"`, `type="utm" subtype="webfilter" eventtype="ftgd_blk"`, 1)
	benchLines(b, benchFortiGate, benchSysmon, benchSquid, utm, benchSysmon)
}

// BenchmarkRecognise is what finding the format costs beside cutting the line,
// header included: the fastest of many rounds, since other work on the machine
// only ever adds.
func BenchmarkRecognise(b *testing.B) {
	for _, c := range []struct{ name, line string }{{"FortiGate", benchFortiGate}, {"Squid", benchSquid}, {"Sysmon", benchSysmon}} {
		b.Run(c.name, func(b *testing.B) {
			p := builtinSet(b).Parser(Options{})
			const rounds = 64
			fastest := func(old time.Duration, do func(h *header)) time.Duration {
				start := time.Now()
				for range rounds {
					p.resetTokens()
					h := p.cutHeader(c.line)
					do(&h)
				}
				return min(old, time.Since(start))
			}
			cut := func(h *header) {
				switch {
				case h.body[0] == '{':
					p.cutJSON(h.body)
				case looksKV(h.body):
					p.cutKV(h.body)
				}
			}
			all, alone, head := time.Hour, time.Hour, time.Hour
			for b.Loop() {
				all = fastest(all, p.recognise)
				alone = fastest(alone, cut)
				head = fastest(head, func(*header) {})
			}
			b.ReportMetric(float64(all-alone)/rounds, "ns/recognition")
			b.ReportMetric(float64(head)/rounds, "ns/header")
		})
	}
}
