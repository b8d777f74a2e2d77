package console

import (
	"html"
	"net/http"
	"strings"
	"testing"
	"time"

	"mimamori/event"
	"mimamori/soc"
)

func TestAlertIsWorkedOnFromDetectionToClosing(t *testing.T) {
	s := newSite(t)
	b := s.signedIn(t, "bunseki", soc.Analyst)
	_, page := b.get("/alerts/A-1")
	_ = page
	step := func(revision string, want []string, pairs ...string) {
		t.Helper()
		status, page := b.post("/alerts/A-1", append([]string{"revision", revision}, pairs...)...)
		if status != http.StatusOK {
			t.Fatalf("%v: %d", pairs, status)
		}
		wants(t, page, want...)
	}
	step("1", []string{"確認済みにしました", "対応を始める"}, "do", "acknowledge")
	step("2", []string{"対応中にしました", "担当を外れる"}, "do", "start")
	step("3", []string{"メモを残しました", "電話した"}, "do", "note", "note", "電話した")
	step("4", []string{"完了にしました（問題のない操作）", "もう一度対応する…"}, "do", "close", "resolution", "benign", "note", "許可済みの作業だった")
	step("5", []string{"対応中に戻しました"}, "do", "reopen", "note", "別件だった")
	step("6", []string{"担当を外れました"}, "do", "release")
	status, page := b.post("/alerts/A-1", "revision", "7", "do", "close", "note", "理由を選び忘れた")
	if status != http.StatusUnprocessableEntity {
		t.Errorf("closing without a resolution: %d", status)
	}
	wants(t, page, "結果と、その理由", "理由を選び忘れた</textarea>")
	for _, do := range []string{"", "delete"} {
		if status, _ := b.post("/alerts/A-1", "revision", "7", "do", do); status != http.StatusBadRequest {
			t.Errorf("%q: %d", do, status)
		}
	}
}

func TestTwoPeopleDoNotOverwriteEachOther(t *testing.T) {
	s := newSite(t)
	a, b := s.signedIn(t, "sato", soc.Analyst), s.signedIn(t, "suzuki", soc.Analyst)
	a.post("/alerts/A-1", "revision", "1", "do", "start")
	status, page := b.post("/alerts/A-1", "revision", "1", "do", "note", "note", "私も見ています")
	if status != http.StatusConflict {
		t.Errorf("got %d", status)
	}
	wants(t, page, "ほかの人がこのアラートを変更しました", "担当 sato", "対応を始めました")
}

// TestEvidenceThatIsOnlyNamedIsLookedUp: as long as the event is kept.
func TestEvidenceThatIsOnlyNamedIsLookedUp(t *testing.T) {
	s := newSite(t)
	a := event.Alert{ID: "named", Rule: "r", Version: "v", Municipality: tottori, Severity: event.High, Start: s.now(), End: s.now(), Count: 2}
	for i := range s.memory.events {
		if e := &s.memory.events[i]; str(e, "municipality") == tottori && str(e, "event.original") != "" {
			a.Events = []event.Evidence{{Ref: e.Ref}, {Ref: event.Ref{Collector: "gone", Source: "s", Epoch: 1, Seq: 1}}}
			a.Key = str(e, "event.original")
		}
	}
	if _, err := s.soc.Insert(t.Context(), []event.Alert{a}); err != nil {
		t.Fatal(err)
	}
	_, page := s.signedIn(t, "bunseki", soc.Analyst).get("/alerts/named")
	wants(t, page, html.EscapeString(a.Key)+"</pre>", "保存期間を過ぎた")
}

func TestAlertsFilterByURL(t *testing.T) {
	s := newSite(t)
	b := s.signedIn(t, "bunseki", soc.Analyst)
	for path, want := range map[string]struct{ has, lacks string }{
		"/alerts?severity=critical":          {"A-", "VPN装置"},
		"/alerts?municipality=" + yonago:     {"VPN装置", "USBへの書込み"},
		"/alerts?q=USB":                      {"USBへの書込み", "VPN装置"},
		"/alerts?state=closed":               {"この条件に合うアラートはありません", "USBへの書込み"},
		"/alerts?assignee=me":                {"この条件に合うアラートはありません", "USBへの書込み"},
		"/alerts?severity=odd&state=odd&x=y": {"USBへの書込み", "この条件に合う"},
	} {
		_, page := b.get(path)
		wants(t, page, want.has)
		lacks(t, visible(page), want.lacks)
	}
	if status, _ := b.get("/alerts?cursor=odd"); status != http.StatusBadRequest {
		t.Errorf("a bad cursor: %d", status)
	}
	_, page := b.get("/live?after=4")
	wants(t, page, "新着2件を表示")
	_, page = b.get("/live?after=6")
	lacks(t, page, "新着")
}

func TestKeysAreInPlainWords(t *testing.T) {
	v := &view{Lang: japanese, texts: must(loadTexts()), towns: newTowns()}
	for in, want := range map[string]string{
		"host.name=JUMIN-07 user.name=田中 一郎": "端末 JUMIN-07、利用者 田中 一郎", "": "", "free text here": "free text here",
		"municipality=" + tottori: "自治体 鳥取市", "dns.type=A x=y": "dns.type=A x=y",
	} {
		if got := v.keyText(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestFirstSentenceSaysWhetherToAct(t *testing.T) {
	v := &view{Lang: japanese, Now: time.Unix(1800000000, 0), texts: must(loadTexts()), towns: newTowns(), User: &soc.User{Role: soc.Municipality, Municipalities: []string{tottori}}}
	one := func(sev event.Severity, state soc.State) soc.Alert {
		a := soc.Alert{State: state, Created: v.Now}
		a.Title, a.Severity, a.Municipality = event.Localized{JA: "題名"}, sev, tottori
		return a
	}
	seen := MunicipalityStatus{Code: tottori, LastSeen: v.Now}
	quiet := MunicipalityStatus{Code: tottori, LastSeen: v.Now.Add(-2 * silentAct)}
	for _, c := range []struct {
		name   string
		alerts []soc.Alert
		town   MunicipalityStatus
		level  level
		want   string
	}{
		{"all is well", nil, seen, normal, "今日、あなたがすることはありません"},
		{"never seen", nil, MunicipalityStatus{Code: tottori}, caution, "まだログが届いていません"},
		{"silence", nil, quiet, action, "ログが届いていません"},
		{"critical", []soc.Alert{one(event.Critical, soc.New)}, seen, action, "今日、対応が必要です"},
		{"minor", []soc.Alert{one(event.Low, soc.New)}, seen, caution, "急ぐことはありません"},
		{"critical in hand, minor new", []soc.Alert{one(event.Critical, soc.InProgress), one(event.Low, soc.New)}, seen, action, "今日、対応の続きがあります"},
		{"silence before what is minor", []soc.Alert{one(event.Low, soc.New)}, quiet, action, "ログが届いていません"},
		{"critical before silence", []soc.Alert{one(event.Critical, soc.New)}, quiet, action, "今日、対応が必要です"},
	} {
		o := &overview{Alerts: c.alerts, HealthOK: true, Status: Status{Municipalities: []MunicipalityStatus{c.town}}}
		for _, a := range c.alerts {
			o.Counts.Open[a.Severity]++
			if a.State == soc.New {
				o.Counts.Unacknowledged++
			}
		}
		o.judge(v)
		if o.Level != c.level {
			t.Errorf("%s: level %v, want %v", c.name, o.Level, c.level)
		}
		wants(t, o.Sentence, c.want)
	}
}

func TestASilenceIsToldInPlainWords(t *testing.T) {
	v := &view{Lang: japanese, texts: must(loadTexts()), towns: event.BuiltinMunicipalities()}
	for key, want := range map[string]string{
		"collector=c-1 source=fw cause=device": "収集器 c-1、送り元 fw、原因の見立て：機器",
		"town=312011 cause=link":               "自治体 312011、原因の見立て：回線",
		"host.name=JUMIN-07 user.name=sato":    "端末 JUMIN-07、利用者 sato",
	} {
		if got := v.keyText(key); got != want {
			t.Errorf("%s: %q, want %q", key, got, want)
		}
	}
	a := soc.Alert{Alert: event.Alert{Start: time.Unix(1_790_000_000, 0), End: time.Unix(1_790_000_600, 0)}}
	if got := v.happened(&a); !strings.Contains(got, "10分たった時点で知らせました") {
		t.Error(got)
	}
}
