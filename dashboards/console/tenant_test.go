package console

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"mimamori/soc"
)

// foreign finds an event of another municipality than code.
func (s *site) foreign(code string) (u, original string) {
	for i := range s.memory.events {
		if e := &s.memory.events[i]; str(e, "municipality") != code && str(e, "source.ip") != "" {
			return eventURL(e.Ref), str(e, "event.original")
		}
	}
	return "", ""
}

func TestMunicipalitySeesItsOwnOnly(t *testing.T) {
	s := newSite(t)
	b := s.signedIn(t, "wakasa", soc.Municipality, wakasa)
	foreign, original := s.foreign(wakasa)
	for _, path := range []string{
		"/", "/alerts", "/alerts?state=all", "/alerts?municipality=" + tottori, "/alerts?q=USB", "/search?range=30d", "/status", "/live", "/password", "/erasure",
		"/search?range=30d&q=" + url.QueryEscape(`municipality == "`+tottori+`"`), "/search?range=30d&q=" + url.QueryEscape(`municipality != "`+wakasa+`"`),
		"/search/fields?range=30d", "/search/fields?range=30d&q=has(municipality)", "/search?range=30d&fields=1&cursor=3",
	} {
		status, page := b.get(path)
		if status != http.StatusOK {
			t.Errorf("%s: %d", path, status)
		}
		lacks(t, page, "鳥取市", "米子市", "湯梨浜町", "USBへの書込み", "FGT-"+tottori, "c-"+yonago, "mimamori.yaml", ".parquet")
	}
	for _, path := range []string{
		"/alerts/A-1", "/alerts/A-2", "/?municipality=" + tottori, "/status?municipality=" + tottori, "/status?municipality=000000", foreign, "/users",
	} {
		status, page := b.get(path)
		if status != http.StatusNotFound {
			t.Errorf("%s: %d, want 404", path, status)
		}
		lacks(t, page, original, "USBへの書込み")
	}
	for _, do := range []string{"acknowledge", "note", "close"} {
		if status, _ := b.post("/alerts/A-1", "do", do, "revision", "1", "note", "x", "resolution", "benign"); status != http.StatusNotFound {
			t.Errorf("%s of another's alert: %d, want 404", do, status)
		}
	}
	if status, _ := b.post("/users", "do", "invite", "role", "prefecture-admin"); status != http.StatusNotFound {
		t.Errorf("an invitation by a municipality: %d, want 404", status)
	}
	a, err := s.soc.Alert(t.Context(), "A-1", nil)
	if err != nil || a.Revision != 1 {
		t.Errorf("the alert was touched: %+v, %v", a, err)
	}
}

func TestMunicipalitySeesWhatIsItsOwn(t *testing.T) {
	s := newSite(t)
	b := s.signedIn(t, "tottori", soc.Municipality, tottori)
	_, page := b.get("/")
	wants(t, page, "今日、対応が必要です", "USBへの書込み", "届いています", `class="own"`)
	_, page = b.get("/search?range=30d")
	wants(t, page, "FGT-"+tottori)
	_, page = b.get("/alerts/A-1")
	wants(t, page, "まずすること", "本人に電話で確認する")
	if status, _ := b.get("/?municipality=" + tottori); status != http.StatusOK {
		t.Errorf("its own municipality: %d", status)
	}
	_, page = b.get("/status")
	wants(t, page, "c-"+tottori, "署名が登録された鍵と一致しません")
}

func TestUserOfNoMunicipalitySeesNothing(t *testing.T) {
	s := newSite(t)
	b := s.signedIn(t, "lost", soc.Municipality, "314021")
	// An account whose list was emptied by hand must not turn into one that sees all.
	v := &view{User: &soc.User{Role: soc.Municipality}}
	if got := v.tenants(""); got == nil || len(got) != 0 {
		t.Errorf("tenants %#v, nil would be all", got)
	}
	_, page := b.get("/search?range=30d&q=" + url.QueryEscape(`municipality == "`+tottori+`"`))
	wants(t, page, "この期間に、当てはまるログはありません")
}

func TestPrefectureSeesEachMunicipality(t *testing.T) {
	s := newSite(t)
	b := s.signedIn(t, "bunseki", soc.Analyst)
	_, page := b.get("/")
	wants(t, page, "鳥取市", "米子市", "若桜町", "未確認のアラートが6件あります", "ログ途絶 1自治体", "要対応", "未接続", "署名が登録された鍵と一致しません")
	_, page = b.get("/?municipality=" + wakasa)
	wants(t, page, "若桜町", "すべての自治体へ")
	lacks(t, page, "USBへの書込み")
	_, page = b.get("/status")
	wants(t, page, "36の送り元のうち4", ".parquet", "mimamori.yaml:31:7", "8,722", "12,000")
	if strings.Contains(page, `class="own"`) {
		t.Error("the prefecture gets the large type")
	}
	if status, _ := b.get("/users"); status != http.StatusNotFound {
		t.Errorf("an analyst's /users: %d, want 404", status)
	}
}
