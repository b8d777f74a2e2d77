package format

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
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

// draw makes lines that differ where real ones do, so that neither the branch
// predictor nor a cache knows them by heart.
type draw struct{ *rand.Rand }

func (d draw) of(list ...string) string { return list[d.IntN(len(list))] }

func (d draw) ip() string {
	return d.of("10.", "192.168.", "172.16.")[:3] + fmt.Sprintf("%d.%d.%d", d.IntN(256), d.IntN(256), 1+d.IntN(254))
}

func (d draw) public() string {
	return d.of("203.0.113.", "198.51.100.", "192.0.2.") + fmt.Sprint(1+d.IntN(254))
}

func (d draw) clock() string {
	return fmt.Sprintf("%02d:%02d:%02d", d.IntN(24), d.IntN(60), d.IntN(60))
}

func (d draw) hex(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = "0123456789ABCDEF"[d.IntN(16)]
	}
	return string(b)
}

func (d draw) name() string {
	return d.of("sato", "suzuki", "takahashi", "tanaka", "ito", "watanabe", "yamamoto", "nakamura", "kobayashi", "kato")
}

func (d draw) fortiGate() string {
	var b strings.Builder
	fmt.Fprintf(&b, `<189>date=2026-11-%02d time=%s devname="fw-%s-%02d" devid="FGT60FTK26%06d" eventtime=%d tz="+0900" logid="0000000013" type="traffic" subtype=%q level="notice" vd="root"`,
		1+d.IntN(20), d.clock(), d.of("tottori", "aomori", "kochi"), d.IntN(20), d.IntN(1e6), 1793492102123456789+d.Int64N(1e15), d.of("forward", "forward", "forward", "local"))
	fmt.Fprintf(&b, ` srcip=%s srcport=%d srcintf="%s" srcintfrole="lan" dstip=%s dstport=%d dstintf="wan1" dstintfrole="wan"`,
		d.ip(), 1024+d.IntN(60000), d.of("internal", "lan1", "vlan-120", "dmz"), d.public(), []int{443, 80, 53, 123, 8080, 25}[d.IntN(6)])
	if d.IntN(4) > 0 {
		fmt.Fprintf(&b, ` srcuuid="%s-51e8-%s" dstcountry=%q srccountry="Reserved"`, strings.ToLower(d.hex(8)), strings.ToLower(d.hex(12)), d.of("Japan", "United States", "Reserved"))
	}
	fmt.Fprintf(&b, ` sessionid=%d proto=%d action=%q policyid=%d policytype="policy" policyname=%q service=%q`,
		d.IntN(1e7), []int{6, 6, 6, 17, 1}[d.IntN(5)], d.of("close", "accept", "deny", "timeout", "client-rst"), d.IntN(200), d.of("internet-out", "lgwan", "dns", "server to dmz"), d.of("HTTPS", "HTTP", "DNS", "NTP", "tcp/8443"))
	if d.IntN(3) > 0 {
		fmt.Fprintf(&b, ` trandisp="snat" transip=%s transport=%d`, d.public(), d.IntN(65536))
	}
	fmt.Fprintf(&b, ` appcat="unscanned" duration=%d sentbyte=%d rcvdbyte=%d sentpkt=%d rcvdpkt=%d`, d.IntN(600), d.IntN(1e5), d.IntN(1e7), d.IntN(900), d.IntN(9000))
	return b.String()
}

func (d draw) squid() string {
	url := fmt.Sprintf("http://%s.example.%s/%s/%d.%s?q=%%E5%%BA%%%d", d.of("www", "cdn", "update", "mail"), d.of("jp", "com", "org:8080"), d.of("a", "news/2026", "img"), d.IntN(1e5), d.of("html", "png", "js"), 10+d.IntN(90))
	method, peer := "GET", "HIER_DIRECT/"+d.public()
	switch d.IntN(4) {
	case 0:
		url, method = d.of("www", "api", "login")+".example.jp:443", "CONNECT"
	case 1:
		peer = "HIER_NONE/-"
	}
	return fmt.Sprintf("%d.%03d %6d %s %s/%d %d %s %s %s %s %s", 1793490302+d.IntN(9000), d.IntN(1000), d.IntN(90000), d.ip(), d.of("TCP_MISS", "TCP_HIT", "TCP_TUNNEL", "TCP_DENIED"),
		[]int{200, 200, 304, 403, 404, 503}[d.IntN(6)], d.IntN(1e6), method, url, d.of("-", d.name()), peer, d.of("text/html", "image/png", "-", "application/javascript"))
}

func (d draw) sysmon() string {
	guid := func() string { return fmt.Sprintf("%s-0001-%s-%s", d.hex(8), d.hex(4), d.hex(12)) }
	folder := d.of(`C:\\Windows\\System32\\`, `C:\\Program Files\\Common Files\\`, `C:\\Users\\`+d.name()+`\\AppData\\Local\\`)
	image := d.of("cmd.exe", "powershell.exe", "whoami.exe", "conhost.exe", "svchost.exe", "EXCEL.EXE")
	r := strings.NewReplacer(
		`2026-11-01T00:15:01.123456Z`, "2026-11-01T"+d.clock()+fmt.Sprintf(".%06dZ", d.IntN(1e6)), `2026-11-01 00:15:01.100`, "2026-11-01 "+d.clock()+".100",
		"90211", fmt.Sprint(d.IntN(1e7)), "pc-0420", fmt.Sprintf("pc-%04d", d.IntN(1e4)), "2210", fmt.Sprint(d.IntN(1e4)), "4711", fmt.Sprint(d.IntN(1e5)), "812,", fmt.Sprint(d.IntN(1e4))+",",
		`C:\\Windows\\System32\\cmd.exe`, folder+image, "whoami", d.of("whoami", "dir /s", "ping 192.0.2.1", "copy a.txt b.txt"), "sato", d.name(),
		"0a1b2c3d-0001-0002-0000-00100a0b0c0d", guid(), "0a1b2c3d-0001-0002-0000-0010ffffffff", guid(), "8A2122E8162DBEF04694B9C3E0B6CDEE", d.hex(32),
		"B99D61D874728EDC0918CA0EB10EAB93D381E7367E377406E65963366C874450", d.hex(64), `"Medium"`, d.of(`"Medium"`, `"High"`, `"System"`),
	)
	return r.Replace(benchSysmon)
}

func varied(line func(draw) string) []Input {
	d := draw{rand.New(rand.NewPCG(1, 2))}
	out := make([]Input, 200)
	for i := range out {
		out[i] = Input{Line: line(d), Received: time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC)}
	}
	return out
}

// fastest runs do over and over and answers the shortest time a run took, in
// nanoseconds: other work on the machine only ever adds.
func fastest(runs int, do func()) float64 {
	least := time.Duration(math.MaxInt64)
	for range runs {
		start := time.Now()
		do()
		least = min(least, time.Since(start))
	}
	return float64(least)
}

// benchLines reads lines one after the other; an operation is a line.
func benchLines(b *testing.B, lines []Input) {
	p := builtinSet(b).Parser(Options{})
	x := &event.Builder{}
	size := 0
	for _, in := range lines {
		size += len(in.Line)
		x.Reset()
		if res := p.Parse(in, x); res.Format == "" || res.Reason != "" {
			b.Fatal(res, in.Line)
		}
	}
	b.SetBytes(int64(size / len(lines)))
	b.ReportAllocs()
	best, n, start := time.Duration(math.MaxInt64), 0, time.Now()
	for b.Loop() {
		x.Reset()
		p.Parse(lines[n], x)
		if n++; n == len(lines) {
			best, n = min(best, time.Since(start)), 0
			start = time.Now()
		}
	}
	b.ReportMetric(float64(best)/float64(len(lines)), "best-ns/op")
}

func BenchmarkFortiGate(b *testing.B) { benchLines(b, varied(draw.fortiGate)) }
func BenchmarkSysmon(b *testing.B)    { benchLines(b, varied(draw.sysmon)) }
func BenchmarkSquid(b *testing.B)     { benchLines(b, varied(draw.squid)) }

// BenchmarkMixed is the traffic of a town: six lines in ten of a firewall.
func BenchmarkMixed(b *testing.B) {
	benchLines(b, varied(func(d draw) string {
		switch n := d.IntN(20); {
		case n < 12:
			return d.fortiGate()
		case n < 17:
			return d.squid()
		}
		return d.sysmon()
	}))
}

// testLines are the lines of the tests inside the formats, by format.
func testLines(s *Set) map[string][]Input {
	out := map[string][]Input{}
	tests, owner := allTests(s)
	for i, c := range tests {
		received := c.received
		if received.IsZero() {
			received = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
		}
		out[owner[i].name] = append(out[owner[i].name], Input{Line: c.line, Header: c.header, Received: received})
	}
	return out
}

// BenchmarkEveryFormat reads the test lines of every format and lists what they
// cost, the dearest byte first.
func BenchmarkEveryFormat(b *testing.B) {
	s := builtinSet(b)
	p, x := s.Parser(Options{}), &event.Builder{}
	type row struct {
		perKB float64
		text  string
	}
	var rows []row
	total, count := 0.0, 0
	for b.Loop() {
		rows, total, count = nil, 0, 0
		for name, lines := range testLines(s) {
			size := 0
			for _, in := range lines {
				size += len(in.Line)
			}
			read := func() {
				for _, in := range lines {
					x.Reset()
					p.Parse(in, x)
				}
			}
			read()
			var before, after runtime.MemStats
			const runs = 40
			runtime.ReadMemStats(&before)
			ns := fastest(runs, read)
			runtime.ReadMemStats(&after)
			n, kb := float64(len(lines)), float64(size)/1000
			total, count = total+ns, count+len(lines)
			rows = append(rows, row{ns / 1000 / kb, fmt.Sprintf("%7.2f us/KB %7.2f us/line %6.0f B/line %5.2f allocs/line  %s", ns/1000/kb, ns/1000/n,
				float64(after.TotalAlloc-before.TotalAlloc)/runs/n, float64(after.Mallocs-before.Mallocs)/runs/n, name)})
		}
	}
	slices.SortFunc(rows, func(a, b row) int { return cmp.Compare(b.perKB, a.perKB) })
	var list strings.Builder
	for _, r := range rows {
		list.WriteString("\n" + r.text)
	}
	fmt.Println(list.String()) // b.Log would show ten lines
	b.ReportMetric(total/float64(count), "best-ns/line")
}

// BenchmarkRecognise is what finding the format costs beside taking the header
// off and cutting the line, over one line of every format and by what a line is
// made of.
func BenchmarkRecognise(b *testing.B) {
	s := builtinSet(b)
	p := s.Parser(Options{})
	type line struct {
		Input
		shape shape
	}
	start := func(in Input) header {
		p.resetTokens()
		p.header = in.Header
		return p.lineHeader(in)
	}
	by := map[string][]line{}
	add := func(in Input, groups ...string) {
		h := start(in)
		p.recognise(&h)
		for _, g := range append(groups, [...]string{"text", "kv", "json", "cef", "leef", "ltsv", "xml", "rows"}[p.cutAs]) {
			by[g] = append(by[g], line{in, p.cutAs})
		}
	}
	for _, lines := range testLines(s) {
		add(lines[0], "every")
	}
	for _, g := range slices.Sorted(maps.Keys(by)) {
		b.Run(g, func(b *testing.B) {
			recognise := func() {
				for _, l := range by[g] {
					h := start(l.Input)
					p.recognise(&h)
				}
			}
			cut := func() {
				for _, l := range by[g] {
					h := start(l.Input)
					if l.shape != shapeText {
						p.cutShape(l.shape, h.body)
					}
				}
			}
			all, without := math.Inf(1), math.Inf(1)
			for b.Loop() {
				for range 20 {
					all, without = min(all, fastest(1, recognise)), min(without, fastest(1, cut))
				}
			}
			b.ReportMetric((all-without)/float64(len(by[g])), "best-ns/line")
		})
	}
}

func BenchmarkLoad(b *testing.B) {
	for b.Loop() {
		if _, err := Builtin(); err != nil {
			b.Fatal(err)
		}
	}
}
