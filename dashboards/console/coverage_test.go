package console

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"mimamori/event"
	"mimamori/internal/care"
	"mimamori/soc"
)

// cover makes up what should arrive, and the collectors.
func (m *memory) cover(towns []string, now time.Time) {
	device := event.Localized{JA: "機器か、機器から収集器までの通信", EN: "the device, or the way from it to the collector"}
	for i, code := range towns {
		for j, s := range []struct{ zone, source, kind string }{
			{event.ZoneInternet, "fortigate", "ファイアウォール"},
			{event.ZoneInternet, "proxy", "プロキシ"},
			{event.ZoneLGWAN, "skysea", "PC操作ログ"},
			{event.ZoneLGWAN, "ad-security", "winlog"},
			{event.ZoneMyNumber, "juki-audit-log-of-the-resident-register-server-02", "file"},
		} {
			c := Coverage{Municipality: code, Zone: s.zone, Kind: s.kind, Collector: "c-" + code, Source: s.source, Phase: "arriving", Since: now.Add(-time.Duration(j) * time.Minute), Learned: true}
			switch {
			case code == wakasa && j < 2:
				c.Phase, c.Cause, c.Since = "silent", event.Localized{JA: "自治体から県までの回線", EN: "the line from the municipality to the prefecture"}, now.Add(-3*time.Hour)
			case code == tottori && j == 2:
				c.Phase, c.Cause, c.Since = "silent", device, now.Add(-47*time.Minute)
			case code == yonago && j == 3:
				c.Phase, c.Cause = "garbled", event.Localized{JA: "ログの書式（機器の更新・設定変更）", EN: "the format of the log"}
			case code == "314030":
				c.Phase, c.Since = "waiting", time.Time{}
			case j == 4:
				c.Phase, c.Since = "resting", now.Add(-9*time.Hour)
			}
			m.status.Coverage = append(m.status.Coverage, c)
		}
		m.status.Coverage = append(m.status.Coverage, Coverage{Municipality: code, Zone: event.ZoneInternet, Kind: "メール無害化", Collector: "c-" + code, Source: "mail", Phase: "arriving", Since: now})
		for k := range collectorsEach() {
			m.status.Collectors = append(m.status.Collectors, madeCollector(code, i, k, now))
		}
	}
	m.status.Coverage = append(m.status.Coverage, Coverage{Municipality: "313289", Zone: event.ZoneInternet, Kind: "振る舞い検知（EDR）", Source: "edr-*", Phase: "waiting"})
}

// collectorsEach is how many collectors a town has: many when somebody wants to look at many.
func collectorsEach() int {
	if os.Getenv("MIMAMORI_CONSOLE_MANY") != "" {
		return 11
	}
	return 1
}

func madeCollector(code string, i, k int, now time.Time) CollectorStatus {
	c := CollectorStatus{Heard: now.Add(-time.Duration(i) * time.Second), Heartbeat: care.Heartbeat{
		Collector: "c-" + code, Municipality: code, Version: "v0.4.0", Platform: "linux/amd64", Started: now.AddDate(0, 0, -9), Config: 3, Spool: care.Spool{MaxBytes: 8 << 30},
		Certificates: []care.Certificate{{What: "prefecture.ca", Subject: "CA", NotAfter: now.AddDate(2, 0, 0)}},
	}}
	if k > 0 {
		c.Collector = fmt.Sprintf("c-%s-%d", code, k+1)
		return c
	}
	switch code {
	case wakasa:
		c.Heard = now.Add(-3 * time.Hour)
	case tottori:
		c.Offset, c.Certificates[0].NotAfter = -312, now.AddDate(0, 0, 9)
		c.Sources = []care.Source{{Source: "skysea", Trouble: `a file cannot be read: open \\fs01\ログ\操作ログ_20261122.csv: <b>Access is denied.</b>`, Dropped: map[string]uint64{"no room": 1204}}}
	case yonago:
		c.Spool = care.Spool{Frames: 10412, Bytes: 2 << 30, MaxBytes: 8 << 30, Oldest: now.Add(-26 * time.Hour)}
	case "313289":
		c.Spool, c.Tried = care.Spool{Frames: 90000, Full: true, Oldest: now.Add(-50 * time.Hour)}, 4
	case "314030":
		c = CollectorStatus{Heartbeat: care.Heartbeat{Collector: "c-" + code, Municipality: code}}
	}
	return c
}

func TestTheStatusPageSaysWhatHasStoppedAndWhy(t *testing.T) {
	s := newSite(t)
	b := s.signedIn(t, "kanri", soc.Admin)
	_, page := b.get("/status")
	wants(t, page, "届くはずのログが止まっています：鳥取市 skysea（PC操作ログ）", "最後は47分前", "見立て：機器か、機器から収集器までの通信", "見立て：自治体から県までの回線",
		"届いていますが、読み取れません", "これを送る収集器がありません", "まだ一度も届いていません", "静かな時間帯です")
	wants(t, page, "5分遅れています", "証明書の期限まで9日", "3時間の間、連絡がありません", "26時間前のログがまだ届いていません", "ためる場所がいっぱい", "設定 第4版は動かなかった", "連絡なし", "1,204件のログを受け取れませんでした",
		"&lt;b&gt;Access is denied.")
	_, page = b.get("/status?lang=en")
	wants(t, page, "Logs that should arrive have stopped:", "last 47 min ago", "5 min slow", "A certificate ends in 9 days", "Not heard for 3 h")
}

func TestATownSeesOnlyItsOwnCollectorsAndSources(t *testing.T) {
	s := newSite(t)
	b := s.signedIn(t, "misasa", soc.Municipality, "313645")
	_, page := b.get("/status")
	wants(t, page, "届くはずの6の送り元は、どれもふだんどおりです", "c-313645", "収集器 1台")
	lacks(t, page, "skysea（PC操作ログ）</span>", "c-"+tottori, "c-"+wakasa)
	b = s.signedIn(t, "wakasa", soc.Municipality, wakasa)
	_, page = b.get("/status")
	wants(t, page, "止まっています：fortigate（ファイアウォール）、proxy（プロキシ）")
	lacks(t, page, "c-"+tottori)
}

func TestBeforeAnythingIsExpectedThePageSaysSo(t *testing.T) {
	s := newSite(t)
	s.memory.status.Coverage, s.memory.status.Collectors = nil, nil
	b := s.signedIn(t, "kanri", soc.Admin)
	_, page := b.get("/status")
	wants(t, page, "届くはずのログはまだ決まっていません", "登録された収集器はまだありません")
}

func TestManyCollectorsAreFoldedButNeverOneThatIsWrong(t *testing.T) {
	s := newSite(t)
	now := s.now()
	s.memory.status.Collectors = nil
	for i := range 200 {
		c := madeCollector("313645", i%100, i+1, now)
		if i%7 == 0 {
			c.Heard = now.Add(-time.Hour)
		}
		s.memory.status.Collectors = append(s.memory.status.Collectors, c)
	}
	b := s.signedIn(t, "kanri", soc.Admin)
	_, page := b.get("/status")
	wants(t, page, "収集器 200台", "問題のない収集器 ほか171台")
	head, _, _ := strings.Cut(page, "問題のない収集器 ほか")
	if n := strings.Count(head, "連絡がありません"); n != 29 {
		t.Errorf("%d of the 29 lost collectors are shown", n)
	}
}
