package console

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"mimamori/event"
)

const (
	tottori = "312011"
	yonago  = "312029"
	wakasa  = "313254"
)

// made makes up n events, their municipalities' health and some alerts, around
// the moment now. Everything is invented; nothing is from a real device.
func made(n int, now time.Time) (*memory, []event.Alert) {
	m := &memory{status: Status{At: now, Totals: Totals{PerSecond: 812.4, Delay: 620 * time.Millisecond}}}
	r := rand.New(rand.NewPCG(1, 2))
	var towns []string
	for _, code := range event.BuiltinMunicipalities().Codes() {
		if strings.HasPrefix(code, "31") && code != "310000" {
			towns = append(towns, code)
		}
	}
	b, batch := &event.Builder{}, &event.Batch{}
	for i := range n {
		at := now.Add(-time.Duration(i) * 82 * time.Second).Add(-time.Duration(r.IntN(80)) * time.Second)
		town := towns[r.IntN(len(towns))]
		one(b, r, i, town, at)
		batch.Append(b, event.Ref{Collector: "c-" + town, Source: "syslog-514", Epoch: 1790000000, Seq: uint64(n - i)})
	}
	m.events = batch.Events
	slices.SortStableFunc(m.events, func(a, b event.Event) int {
		x, _ := get(&a, "@timestamp")
		y, _ := get(&b, "@timestamp")
		return int(y.Int() - x.Int())
	})
	for i, code := range towns {
		m.town(i, code, now)
	}
	m.cover(towns, now)
	m.status.Rejected = []Rejection{
		{Municipality: tottori, Collector: "c-" + tottori, Source: "syslog-514", Reason: "署名が登録された鍵と一致しません (signature does not fit the registered key)", Count: 14, Last: now.Add(-9 * time.Minute)},
		{Municipality: yonago, Collector: "c-" + yonago, Source: "winlog", Reason: "通し番号が戻っています (sequence 118 after 240)", Count: 1, Last: now.Add(-26 * time.Hour)},
	}
	m.status.SetAside = []SetAside{{Name: "store/l0/000000000412.parquet", Reason: "footer checksum is wrong: the disk was full at 03:12", At: now.Add(-5 * time.Hour)}}
	m.status.Warnings = []Warning{{Where: "mimamori.yaml:31:7", Text: `municipality "313254" has no contact: nobody would be told at night`, At: now.Add(-49 * time.Hour)}}
	m.status.Sinks = []Sink{{Name: "elasticsearch"}, {Name: "loki", Behind: 120_400, Oldest: now.Add(-3 * time.Hour), Refused: 2, Lost: 7, Err: "loki: municipality 312011: connection refused"}}
	return m, madeAlerts(m, now)
}

func (m *memory) town(i int, code string, now time.Time) {
	seen := now.Add(-time.Duration(3+i*5) * time.Second)
	src := SourceStatus{Municipality: code, Zone: event.ZoneInternet, Collector: "c-" + code, Source: "syslog-514", LastSeen: seen, Received: uint64(1204117 + i*77123), Quarantined: uint64(i % 3 * 41)}
	rate := float64(120 + i*237%900)
	switch code {
	case wakasa:
		seen, rate = now.Add(-3*time.Hour), 0
		src.LastSeen = seen
	case "314030":
		seen, rate, src.LastSeen = time.Time{}, 0, time.Time{}
	case "313289":
		src.Missing, src.Received = []Range{{1790000000, 400, 9120}, {1790000000, 12000, 12000}}, src.Received-8722
	case "313840":
		src.Lost = 218
	}
	src.Stored = src.Received - src.Lost
	m.status.Municipalities = append(m.status.Municipalities, MunicipalityStatus{Code: code, PerMinute: rate, LastSeen: seen})
	if src.LastSeen.IsZero() {
		return
	}
	win := src
	win.Source, win.Zone, win.Received, win.Stored, win.Lost, win.Missing, win.Quarantined = "winlog", event.ZoneLGWAN, 80321, 80321, 0, nil, 0
	m.status.Sources = append(m.status.Sources, src, win)
	t := &m.status.Totals
	t.Received, t.Stored, t.Quarantined, t.Lost = t.Received+src.Received, t.Stored+src.Stored, t.Quarantined+src.Quarantined, t.Lost+src.Lost
}

// one fills in one made-up event.
func one(b *event.Builder, r *rand.Rand, i int, town string, at time.Time) {
	set := func(name, value string) {
		f := event.MustLookup(name)
		v, ok := event.ParseAs(f.Type(), value)
		if !ok {
			panic(name + ": " + value)
		}
		b.Set(f, v)
	}
	set("@timestamp", at.UTC().Format(time.RFC3339Nano))
	set("received", at.Add(700*time.Millisecond).UTC().Format(time.RFC3339Nano))
	set("municipality", town)
	set("collector", "c-"+town)
	src, dst := fmt.Sprintf("10.1.%d.%d", r.IntN(4), 2+r.IntN(30)), fmt.Sprintf("203.0.113.%d", r.IntN(60))
	switch k := i % 11; {
	case k < 6:
		action, port := []string{"deny", "accept", "accept"}[r.IntN(3)], []string{"443", "445", "53", "3389", "80"}[r.IntN(5)]
		for name, value := range map[string]string{
			"zone": event.ZoneInternet, "event.dataset": "fortinet.fortigate.traffic", "observer.name": "FGT-" + town, "observer.vendor": "Fortinet", "event.action": action, "source.ip": src, "source.port": fmt.Sprint(40000 + r.IntN(9999)),
			"destination.ip": dst, "destination.port": port, "network.transport": "tcp", "event.original": fmt.Sprintf(`<189>date=%s time=%s devname="FGT-%s" logid="0000000013" type="traffic" subtype="forward" srcip=%s dstip=%s dstport=%s action="%s" policyid=12 sentbyte=%d`, at.Format("2006-01-02"), at.Format("15:04:05"), town, src, dst, port, action, r.IntN(90000)),
		} {
			set(name, value)
		}
	case k < 8:
		for name, value := range map[string]string{
			"zone": event.ZoneLGWAN, "event.dataset": "windows.security", "host.name": fmt.Sprintf("SOMU-%02d", r.IntN(20)), "event.action": []string{"logon", "logon-failed"}[r.IntN(2)], "user.name": []string{"sato", "suzuki", "田中 一郎"}[r.IntN(3)], "source.ip": src, "event.code": "4624",
			"event.original": `{"EventID":4624,"Channel":"Security","TargetUserName":"sato","LogonType":3}`,
		} {
			set(name, value)
		}
	case k < 10:
		url := "https://www.example.jp/index.html"
		if r.IntN(4) == 0 {
			url = "https://files.example.net/a/very/long/path/" + strings.Repeat("download-segment/", 12) + "住民票の写しの請求方法について（最終版）.xlsx?session=" + strings.Repeat("0123456789abcdef", 12)
		}
		for name, value := range map[string]string{
			"zone": event.ZoneInternet, "event.dataset": "squid.access", "observer.name": "proxy01", "event.action": "accept", "user.name": "suzuki", "source.ip": src, "url.full": url, "http.response.status_code": "200", "event.original": fmt.Sprintf("%d.%03d 231 %s TCP_MISS/200 4512 GET %s suzuki DIRECT/%s text/html", at.Unix(), 5, src, url, dst),
		} {
			set(name, value)
		}
	default:
		set("event.original", "<13>Nov 22 11:02:13 sw-3f ｽｲｯﾁ: port 12 のリンクが切れました <script>alert(1)</script>")
		set("quarantine", "no format took the line")
		set("log.source.address", "10.1.0.254")
	}
}

// madeAlerts makes alerts of all severities whose evidence is among the events.
func madeAlerts(m *memory, now time.Time) []event.Alert {
	list := []struct {
		sev               event.Severity
		town, zone, ja    string
		en, key, explain  string
		steps, stepsInEng []string
		ago               time.Duration
	}{
		{event.Critical, tottori, event.ZoneMyNumber, "マイナンバー利用事務系の端末でUSBへの書込み", "Write to a USB stick in the My Number zone", "host.name=JUMIN-07 user.name=user01", "この領域では情報の持出しを禁止しています（三層の構え）。許可のない媒体への書込みは、持出しか、持出しの準備にあたります。", []string{"本人に電話で確認する（責めずに、何を・なぜ・いつ写したかを聞く）", "USBメモリを預かる。抜く前に端末の画面とUSBの写真を撮る", "端末の通信を切り、電源は切らない", "CISOと県の窓口に知らせる"}, []string{"Call the person", "Take the stick into custody; photograph it before you pull it", "Cut the network, leave the power on", "Tell the CISO and the prefecture"}, 12 * time.Minute},
		{event.High, yonago, event.ZoneInternet, "VPN装置に管理者が追加された", "An administrator was added to the VPN gateway", "observer.name=FGT-312029 user.name=svc_backup", "攻撃者は侵入のあと、戻るための管理者を作ります。心当たりのない追加は侵入を疑ってください。", []string{"追加した人を確認する", "心当たりがなければVPNを止め、県の分析担当に電話する"}, []string{"Ask who added it", "If nobody did, stop the VPN and call the prefecture"}, 41 * time.Minute},
		{event.High, "313700", event.ZoneLGWAN, "庁内でのSMB横断探索：1台の端末から短い時間に三十を超えるサーバーの445番ポートへの接続が拒否されており、ファイル共有を探し回っている可能性があります", "SMB sweep inside the office network", "source.ip=10.1.2.3", "身代金要求型ウイルスは暗号化の前に共有フォルダーを探します。", []string{"端末をLANから切り離す", "電源は切らない"}, []string{"Take the PC off the LAN", "Leave it switched on"}, 2 * time.Hour},
		{event.Medium, "313289", event.ZoneLGWAN, "短い時間に多くのサインイン失敗", "Many failed sign-ins", "user.name=suzuki", "パスワードの当て推量か、設定の誤りです。", []string{"本人に心当たりを聞く"}, []string{"Ask the person"}, 5 * time.Hour},
		{event.Low, tottori, event.ZoneInternet, "初めての国への通信", "First connection to a country", "destination.ip=203.0.113.9", "これまで通信のなかった国です。", nil, nil, 20 * time.Hour},
		{event.Info, "313726", "", "新しい送り元", "New source", "", "記録のためのお知らせです。", nil, nil, 30 * time.Hour},
	}
	var out []event.Alert
	for i, x := range list {
		end := now.Add(-x.ago)
		a := event.Alert{
			ID: event.AlertID(fmt.Sprint("rule-", i), "v1", x.town, x.key, end), Rule: fmt.Sprintf("made-up-rule-%d", i), Version: "v1", Severity: x.sev, Attack: []string{"T1052.001"},
			Title: event.Localized{JA: x.ja, EN: x.en}, Explain: event.Localized{JA: x.explain, EN: "Why this matters, in English."}, Respond: event.Steps{JA: x.steps, EN: x.stepsInEng},
			Municipality: x.town, Zone: x.zone, Key: x.key, Start: end.Add(-4 * time.Minute), End: end, Count: 37,
		}
		for j := range m.events {
			if e := &m.events[j]; str(e, "municipality") == x.town && len(a.Events) < 3 {
				a.Events = append(a.Events, event.Evidence{Ref: e.Ref, JSON: e.AppendJSON(nil)})
			}
		}
		out = append(out, a)
	}
	return out
}
