package store

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"mimamori/event"
	"mimamori/internal/calendar"
)

// mix makes events in the shapes of FortiGate traffic logs (60 %), Squid's
// access log (25 %) and Sysmon process creations (15 %), with values that vary
// as in a town: many clients, few services, long tails.
type mix struct {
	r       *rand.Rand
	seq     uint64
	now     int64
	builder *event.Builder
	vendor  [8]event.Field
	known   map[string]event.Field
	towns   []string
}

func newMix(seed uint64) *mix {
	m := &mix{
		r: rand.New(rand.NewPCG(seed, 1)), now: time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC).UnixNano(),
		builder: new(event.Builder), known: map[string]event.Field{}, towns: towns,
	}
	for i, n := range []string{"vd", "sessionid", "policytype", "srcintfrole", "dstintfrole", "appcat", "trandisp", "duration"} {
		m.vendor[i], _ = event.Intern("fortinet.fortigate." + n)
	}
	return m
}

var towns = []string{"312011", "312029", "312037", "312045", "313025", "313254", "313289", "313297"}

func (m *mix) pick(list ...string) string {
	return list[int(float64(len(list))*m.r.Float64()*m.r.Float64())]
}

func (m *mix) tail(most float64) int64 {
	x := m.r.Float64()
	return int64(60 + most*x*x*x*x*x)
}

func (m *mix) set(name string, v event.Value) {
	f, ok := m.known[name]
	if !ok {
		f, _ = event.Intern(name)
		m.known[name] = f
	}
	m.builder.Set(f, v)
}

func (m *mix) str(name, s string) { m.set(name, event.String(s)) }

// batch makes n events.
func (m *mix) batch(n int) *event.Batch {
	b := &event.Batch{}
	for range n {
		m.now += int64(m.r.ExpFloat64() * 20_000)
		m.seq++
		town := m.pick(m.towns...)
		m.set("@timestamp", event.Time(m.now))
		m.set("received", event.Time(m.now+int64(m.r.ExpFloat64()*3e6)))
		m.str("municipality", town)
		collector := "c-" + town + "-1"
		m.str("collector", collector)
		m.str("event.kind", "event")
		source := "fortigate"
		switch x := m.r.Float64(); {
		case x < 0.60:
			m.fortigate()
		case x < 0.85:
			source = "squid"
			m.squid()
		default:
			source = "sysmon"
			m.sysmon()
		}
		b.Append(m.builder, event.Ref{Collector: collector, Source: source, Epoch: 1793577600, Seq: m.seq})
	}
	return b
}

func (m *mix) client() string {
	return fmt.Sprintf("10.%d.%d.%d", 20+m.r.IntN(8), m.r.IntN(6), 1+m.r.IntN(220))
}

func (m *mix) public() string {
	k := int(4000 * m.r.Float64() * m.r.Float64() * m.r.Float64())
	return fmt.Sprintf("%d.%d.%d.%d", 20+k%180, k*7%256, k*13%256, 1+k*31%254)
}

func (m *mix) fortigate() {
	src, dst := m.client(), m.public()
	sport, dport := 1024+m.r.IntN(64000), []int64{443, 443, 443, 80, 53, 53, 445, 3389, 8080, 123}[m.r.IntN(10)]
	action := m.pick("close", "close", "accept", "timeout", "deny", "client-rst", "server-rst")
	sent, rcvd, session, dur := m.tail(2e6), m.tail(4e7), 100_000_000+m.r.IntN(800_000_000), m.r.IntN(300)
	spkt, rpkt := sent/700+1, rcvd/1100+1
	service := map[int64]string{443: "HTTPS", 80: "HTTP", 53: "DNS", 445: "SMB", 3389: "RDP", 8080: "tcp/8080", 123: "NTP"}[dport]
	policy := m.r.IntN(40)
	at := time.Unix(0, m.now).In(calendar.JST())
	dev := "FG100F-" + m.pick(m.towns...)
	line := fmt.Sprintf(`date=%s time=%s devname="%s" devid="FGT100FTK2300%04d" eventtime=%d tz="+0900" logid="0000000013" type="traffic" subtype="forward" level="notice" vd="root" srcip=%s srcport=%d srcintf="internal%d" srcintfrole="lan" dstip=%s dstport=%d dstintf="wan1" dstintfrole="wan" srccountry="Reserved" dstcountry="%s" sessionid=%d proto=6 action="%s" policyid=%d policytype="policy" service="%s" trandisp="snat" duration=%d sentbyte=%d rcvdbyte=%d sentpkt=%d rcvdpkt=%d appcat="unscanned"`,
		at.Format("2006-01-02"), at.Format("15:04:05"), dev, policy, m.now, src, sport, policy%4, dst, dport, m.pick("Japan", "United States", "Ireland", "Singapore"), session, action, policy, service, dur, sent, rcvd, spkt, rpkt)
	m.str("zone", event.ZoneInternet)
	m.str("source.zone", event.ZoneLGWAN)
	m.str("destination.zone", event.ZoneInternet)
	m.str("input", "syslog")
	m.str("event.original", line)
	m.str("event.dataset", "fortinet.fortigate.traffic")
	m.str("event.module", "fortinet")
	m.str("event.code", "0000000013")
	m.str("event.action", action)
	m.str("event.outcome", map[bool]string{true: "failure", false: "success"}[action == "deny"])
	m.set("event.category", event.Strings([]string{"network"}))
	m.set("event.type", event.Strings([]string{"connection", map[bool]string{true: "denied", false: "end"}[action == "deny"]}))
	m.str("event.timezone", "+0900")
	m.set("event.duration", event.Int(int64(dur)*1e9))
	m.set("source.ip", event.Addr(src))
	m.set("source.port", event.Int(int64(sport)))
	m.set("source.bytes", event.Int(sent))
	m.set("source.packets", event.Int(spkt))
	m.set("destination.ip", event.Addr(dst))
	m.set("destination.port", event.Int(dport))
	m.set("destination.bytes", event.Int(rcvd))
	m.set("destination.packets", event.Int(rpkt))
	m.set("network.bytes", event.Int(sent+rcvd))
	m.set("network.packets", event.Int(spkt+rpkt))
	m.str("network.transport", "tcp")
	m.str("network.protocol", strings.ToLower(service))
	m.str("observer.name", dev)
	m.str("observer.vendor", "Fortinet")
	m.str("observer.serial_number", fmt.Sprintf("FGT100FTK2300%04d", policy))
	m.str("observer.ingress.interface.name", fmt.Sprintf("internal%d", policy%4))
	m.str("observer.egress.interface.name", "wan1")
	m.str("rule.id", fmt.Sprint(policy))
	m.str("log.level", "notice")
	m.set("related.ip", event.Strings([]string{src, dst}))
	for i, s := range []string{"root", fmt.Sprint(session), "policy", "lan", "wan", "unscanned", "snat"} {
		m.builder.Set(m.vendor[i], event.String(s))
	}
}

func (m *mix) squid() {
	src, host := m.client(), fmt.Sprintf("www%d.example%d.jp", m.r.IntN(4), int(600*m.r.Float64()*m.r.Float64()))
	path := fmt.Sprintf("/%s/%x.%s", m.pick("img", "js", "css", "api/v2/items", "contents/news"), m.r.Uint32(), m.pick("png", "js", "html", "json"))
	status, size, took := []int64{200, 200, 200, 304, 404, 503}[m.r.IntN(6)], m.tail(5e5), m.r.IntN(900)
	code := m.pick("TCP_MISS", "TCP_HIT", "TCP_TUNNEL", "TCP_DENIED")
	line := fmt.Sprintf("%d.%03d %6d %s %s/%d %d GET http://%s%s - HIER_DIRECT/%s text/html", m.now/1e9, m.now/1e6%1000, took, src, code, status, size, host, path, m.public())
	m.str("zone", event.ZoneInternet)
	m.str("event.original", line)
	m.str("event.dataset", "squid.access")
	m.str("event.action", code)
	m.set("event.category", event.Strings([]string{"web", "network"}))
	m.set("source.ip", event.Addr(src))
	m.str("http.request.method", "GET")
	m.set("http.response.status_code", event.Int(status))
	m.set("http.response.bytes", event.Int(size))
	m.set("event.duration", event.Int(int64(took)*1e6))
	m.str("url.original", "http://"+host+path)
	m.str("url.domain", host)
	m.str("url.path", path)
}

func (m *mix) sysmon() {
	host, user := fmt.Sprintf("PC-%04d", m.r.IntN(900)), fmt.Sprintf("user%03d", m.r.IntN(400))
	image := `C:\Windows\System32\` + m.pick("svchost.exe", "cmd.exe", "powershell.exe", "conhost.exe", "rundll32.exe", "taskhostw.exe", "OUTLOOK.EXE")
	parent := `C:\Windows\` + m.pick("explorer.exe", `System32\services.exe`, `System32\cmd.exe`)
	cmd := fmt.Sprintf(`"%s" -k %s -p -s %x`, image, m.pick("netsvcs", "LocalService", "wsappx"), m.r.IntN(1<<20))
	sha := fmt.Sprintf("%016x%016x%016x%016x", uint64(len(image))*0x9E3779B97F4A7C15, uint64(image[20])*0xC2B2AE3D27D4EB4F, 77*uint64(len(image)), uint64(image[21])<<40)
	guid := fmt.Sprintf("{%08X-%04X-%04X-%04X-%012X}", m.r.Uint32(), m.r.IntN(1<<16), m.r.IntN(1<<16), m.r.IntN(1<<16), m.r.Uint64()>>16)
	pid, ppid, rec := 4*m.r.IntN(6000), 4*m.r.IntN(3000), m.seq
	at := time.Unix(0, m.now).UTC().Format("2006-01-02 15:04:05.000")
	line := fmt.Sprintf(`{"winlog":{"provider_name":"Microsoft-Windows-Sysmon","provider_guid":"{5770385F-C22A-43E0-BF4C-06F5698FFBD9}","event_id":"1","record_id":%d,"channel":"Microsoft-Windows-Sysmon/Operational","computer_name":"%s.town.local","version":5,"process":{"pid":3120,"thread":{"id":4412}},"event_data":{"RuleName":"-","UtcTime":"%s","ProcessGuid":"%s","ProcessId":"%d","Image":%q,"FileVersion":"10.0.19041.1","Description":"Host Process","Product":"Microsoft Windows Operating System","Company":"Microsoft Corporation","OriginalFileName":"host.exe","CommandLine":%q,"CurrentDirectory":"C:\\Windows\\system32\\","User":"TOWN\\%s","LogonGuid":"{A23EAE89-BD28-5903-0000-00102F345D00}","LogonId":"0x3e7","TerminalSessionId":"0","IntegrityLevel":"System","Hashes":"SHA256=%s","ParentProcessGuid":"%s","ParentProcessId":"%d","ParentImage":%q,"ParentCommandLine":%q}},"message":"Process Create:\nRuleName: -\nUtcTime: %s\nImage: %s\nUser: %s"}`,
		rec, host, at, guid, pid, image, cmd, user, sha, guid, ppid, parent, parent, at, strings.ReplaceAll(image, `\`, `\\`), user)
	m.str("zone", event.ZoneLGWAN)
	m.str("event.original", line)
	m.str("event.dataset", "windows.sysmon_operational")
	m.str("event.provider", "Microsoft-Windows-Sysmon")
	m.str("event.code", "1")
	m.set("event.category", event.Strings([]string{"process"}))
	m.set("event.type", event.Strings([]string{"start"}))
	m.str("host.name", host)
	m.str("user.name", user)
	m.str("user.domain", "TOWN")
	m.str("process.executable", image)
	m.str("process.name", image[strings.LastIndexByte(image, '\\')+1:])
	m.str("process.command_line", cmd)
	m.str("process.entity_id", guid)
	m.str("process.hash.sha256", sha)
	m.set("process.pid", event.Int(int64(pid)))
	m.set("process.parent.pid", event.Int(int64(ppid)))
	m.str("process.parent.executable", parent)
	m.str("process.parent.command_line", parent)
	m.str("process.working_directory", `C:\Windows\system32\`)
	m.str("process.integrity_level", "System")
	m.str("winlog.channel", "Microsoft-Windows-Sysmon/Operational")
	m.str("winlog.computer_name", host+".town.local")
	m.set("winlog.record_id", event.Int(int64(rec)))
	m.str("winlog.event_data.LogonId", "0x3e7")
	m.str("winlog.event_data.TerminalSessionId", "0")
	m.str("winlog.event_data.FileVersion", "10.0.19041.1")
	m.str("message", "Process Create: "+image)
}
