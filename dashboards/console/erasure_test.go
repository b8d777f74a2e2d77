package console

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"mimamori/soc"
	"mimamori/soc/erasure"
)

// months ago, as the register writes them.
func (s *site) month(n int) string { return s.now().AddDate(0, -n, 0).Format("2006-01") }

func TestAnErasureGoesThroughTheConsole(t *testing.T) {
	s := newSite(t)
	pref, town := s.signedIn(t, "kanri", soc.Admin), s.signedIn(t, "tottori", soc.Municipality, tottori)
	_, page := pref.get("/erasure")
	wants(t, page, "消去の依頼はありません", "保全中のものはありません", "継続承認はありません", "まだ記録はありません")
	month := s.now().AddDate(0, -3, 0).Format("2006-01")
	status, page := pref.post("/erasure", "do", "request", "municipality", tottori, "month", month, "reason", "保存期間が過ぎたため")
	if status != http.StatusOK {
		t.Fatal(status)
	}
	wants(t, page, "依頼しました", "鳥取市の承認を待っています", "担当 kanri（県）")
	lacks(t, page, "承認または却下")
	_, page = town.get("/")
	wants(t, page, "ログの消去の依頼1件があなたの承認を待っています", `href="/erasure"`)
	_, page = town.get("/erasure")
	wants(t, page, "あなたの承認を待っています", "承認または却下", "「"+tottori+" "+month+"」と入力")
	for _, typed := range []string{"", tottori, tottori + " 2020-01", yonago + " " + month} {
		status, page = town.post("/erasure", "do", "approve", "id", "1", "confirm", typed)
		if status != http.StatusUnprocessableEntity {
			t.Errorf("%q: %d", typed, status)
		}
		wants(t, page, "確認の文字が違います", "あなたの承認を待っています")
	}
	status, page = pref.post("/erasure", "do", "approve", "id", "1", "confirm", tottori+" "+month)
	if status != http.StatusUnprocessableEntity {
		t.Errorf("who asked approved: %d", status)
	}
	wants(t, page, "依頼した人は承認できません", "承認（拒否）")
	_, page = town.post("/erasure", "do", "approve", "id", "1", "confirm", " "+tottori+"　"+month)
	wants(t, page, "承認しました", "それまでは、どちらの側からも取り下げできます", "担当 tottori（鳥取市）")
	s.shelf.err = errors.New("503 Service Unavailable")
	if err := s.runLater(t, erasure.DefaultWait); err == nil {
		t.Error("the place failed, and nobody says so")
	}
	_, page = town.get("/erasure")
	wants(t, page, "1回失敗しました", "503 Service Unavailable")
	s.shelf.err = nil
	if err := s.runLater(t, erasure.DefaultWait+time.Hour); err != nil {
		t.Fatal(err)
	}
	for _, b := range []*browser{town, pref} {
		_, page = b.get("/erasure")
		wants(t, page, "消去済み", "証明書を保存してください", "検索 / searches", "24,690件を消去")
		resp, text := b.do(b.request(http.MethodGet, "/erasure/1/certificate", nil))
		if resp.StatusCode != http.StatusOK || text != "certificate erasures/000001.certificate\n" || !strings.HasPrefix(resp.Header.Get("Content-Disposition"), "attachment") {
			t.Errorf("%d %q", resp.StatusCode, text)
		}
	}
	b := s.signedIn(t, "wakasa", soc.Municipality, wakasa)
	if status, _ := b.get("/erasure/1/certificate"); status != http.StatusNotFound {
		t.Errorf("another's certificate: %d", status)
	}
}

// again signs in a user who is there.
func (s *site) again(t *testing.T, name string) *browser {
	t.Helper()
	b := s.browser(t)
	b.post("/signin", "name", name, "password", password)
	return b
}

// runLater works on what is due then; sessions go by another clock, and stay.
func (s *site) runLater(t *testing.T, d time.Duration) error {
	t.Helper()
	s.clock.Add(int64(d))
	defer s.clock.Add(-int64(d))
	return s.erase.Run(t.Context())
}

func TestErasuresOfOthersDoNotExist(t *testing.T) {
	s := newSite(t)
	b := s.signedIn(t, "wakasa", soc.Municipality, wakasa)
	s.user(t, "tottori", soc.Municipality, tottori)
	s.madeErasures(t)
	_, page := b.get("/erasure")
	lacks(t, page, "鳥取市", "米子市", tottori, yonago, "不正アクセス事案", "町の規程")
	wants(t, page, "消去の依頼はありません", "すべての自治体（承認した自治体だけ）", "若桜町として承認")
	before, err := s.erase.List(t.Context(), &soc.User{Role: soc.Admin})
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range [][]string{
		{"do", "approve", "id", "7", "confirm", tottori + " " + s.month(24)},
		{"do", "refuse", "id", "7", "reason", "x"},
		{"do", "withdraw", "id", "5", "reason", "x"},
		{"do", "request", "municipality", yonago, "month", s.month(4), "reason", "x"},
		{"do", "hold", "municipality", yonago, "month", "", "reason", "x"},
		{"do", "lift", "id", "1"},
		{"do", "propose", "municipality", "", "months", "1", "reason", "x"},
		{"do", "consent", "id", "1", "municipality", tottori, "confirm", tottori + " 24"},
		{"do", "revoke", "id", "1", "municipality", yonago},
		{"do", "approve", "id", "99", "confirm", ""},
	} {
		if status, page := b.post("/erasure", form...); status != http.StatusNotFound {
			t.Errorf("%v: %d", form, status)
		} else {
			lacks(t, page, "鳥取市", "米子市")
		}
	}
	after, err := s.erase.List(t.Context(), &soc.User{Role: soc.Admin})
	if err != nil || len(after) != len(before) {
		t.Fatal(len(after), err)
	}
	for i := range after {
		if after[i].State != before[i].State || after[i].Held != before[i].Held {
			t.Errorf("%+v was %+v", after[i], before[i])
		}
	}
}

func TestAnAnalystReadsAndDecidesNothing(t *testing.T) {
	s := newSite(t)
	s.user(t, "tottori", soc.Municipality, tottori)
	s.madeErasures(t)
	b := s.signedIn(t, "bunseki", soc.Analyst)
	_, page := b.get("/erasure")
	wants(t, page, "鳥取市", "米子市", "法的保全", "監査で使うため", "月の間違い", "消去証明書をダウンロード")
	lacks(t, page, "<select", `value="approve"`, `value="lift"`, `value="withdraw"`, `value="revoke"`)
	status, page := b.post("/erasure", "do", "withdraw", "id", "5", "reason", "x")
	if status != http.StatusForbidden {
		t.Errorf("%d", status)
	}
	wants(t, page, "消去を決められるのは、県の管理者と当の自治体の担当だけです")
	for _, form := range [][]string{{"do", "nothing"}, {}} {
		if status, _ := b.post("/erasure", form...); status != http.StatusBadRequest {
			t.Errorf("%v: %d", form, status)
		}
	}
}

func TestEveryActOfTheRegisterHasItsPage(t *testing.T) {
	s := newSite(t)
	town := s.signedIn(t, "tottori", soc.Municipality, tottori)
	s.madeErasures(t)
	pref := s.again(t, "soumu")
	for _, c := range []struct {
		by   *browser
		form []string
		want string
	}{
		{town, []string{"do", "refuse", "id", "7", "reason", "まだ使う"}, "担当 tottori が却下しました：まだ使う"},
		{pref, []string{"do", "withdraw", "id", "5", "reason", "月の誤り"}, "担当 soumu が取り下げました：月の誤り"},
		{town, []string{"do", "hold", "municipality", tottori, "month", s.month(23), "reason", "監査"}, "保全を始めました"},
		{pref, []string{"do", "lift", "id", "2"}, "保全を解除しました"},
		{town, []string{"do", "consent", "id", "1", "municipality", tottori, "confirm", tottori + " 24"}, "継続して承認しました"},
		{town, []string{"do", "revoke", "id", "1", "municipality", tottori}, "継続承認を終了しました"},
		{town, []string{"do", "propose", "municipality", tottori, "months", "60", "reason", "規程"}, "60か月を過ぎた月"},
		{pref, []string{"do", "consent", "id", "3", "municipality", tottori, "confirm", tottori + " 60"}, "担当 soumu（県）"},
	} {
		status, page := c.by.post("/erasure", c.form...)
		if status != http.StatusOK {
			t.Errorf("%v: %d", c.form, status)
		}
		wants(t, page, c.want)
	}
	for _, c := range []struct {
		form []string
		want string
	}{
		{[]string{"do", "lift", "id", "1"}, ""}, // another municipality's: it does not exist
		{[]string{"do", "request", "municipality", tottori, "month", s.month(0), "reason", "x"}, "この月はまだ終わっていません"},
		{[]string{"do", "request", "municipality", tottori, "month", "x", "reason", "x"}, "自治体と月"},
		{[]string{"do", "request", "municipality", tottori, "month", s.month(5), "reason", ""}, "理由を1文字以上"},
		{[]string{"do", "request", "municipality", tottori, "month", s.month(23), "reason", "x"}, "同じ依頼がすでにあります"},
	} {
		status, page := town.post("/erasure", c.form...)
		if want := http.StatusUnprocessableEntity; c.want != "" && status != want || c.want == "" && status != http.StatusNotFound {
			t.Errorf("%v: %d", c.form, status)
		}
		wants(t, page, c.want)
	}
	_, page := town.get("/erasure?lang=en")
	wants(t, page, "Erasing logs", "Download the certificate", "asked: refused")
}
