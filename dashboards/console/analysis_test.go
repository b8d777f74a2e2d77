package console

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"mimamori/event"
	"mimamori/internal/lang"
	"mimamori/soc"
)

// Export implements Analysis: a line an event.
func (m *memory) Export(_ context.Context, q event.Query, d Download, to io.Writer) (n int64, err error) {
	list, err := m.match(q)
	if err != nil {
		return 0, err
	}
	for _, e := range list {
		if n++; m.cut && n > 5 {
			return n, io.ErrUnexpectedEOF
		}
		if _, err := fmt.Fprintf(to, "%s %d %v %s\n", d.Format, len(d.Fields), d.BOM, str(e, "municipality")); err != nil {
			return n, err
		}
	}
	return n, nil
}

// SQL implements Analysis: it tells the tenants.
func (m *memory) SQL(_ context.Context, q event.Query) (*event.Table, error) {
	switch {
	case strings.Contains(q.Text, "mistake"):
		return nil, &lang.Error{Line: 1, Col: 8, Text: q.Text, Msg: "the function getenv is not allowed", Code: "sql-function", Args: []string{"getenv"}}
	case strings.Contains(q.Text, "large"):
		return nil, fmt.Errorf("store: %w", event.ErrTooLarge)
	}
	v := event.String(fmt.Sprint(q.Tenants, strings.Repeat("長い値 ", 60)))
	return &event.Table{Columns: []string{"tenants", "none"}, Rows: [][]*event.Value{{&v, nil}}, Cut: true}, nil
}

// Table implements Analysis.
func (m *memory) Table(to io.Writer, t *event.Table) error {
	_, err := fmt.Fprintln(to, strings.Join(t.Columns, ","))
	return err
}

func TestDownloadsKeepToTheTownAndAreNoted(t *testing.T) {
	s := newSite(t)
	b := s.signedIn(t, "wakasa", soc.Municipality, wakasa)
	status, file := b.get("/search/export?range=30d&format=csv&bom=1&columns=" + url.QueryEscape("source.ip, user.name"))
	if status != http.StatusOK || !strings.HasPrefix(file, "csv 2 true "+wakasa) || strings.Contains(file, tottori) {
		t.Errorf("%d %.200s", status, file)
	}
	if log := s.log.String(); !strings.Contains(log, "msg=export user=wakasa tenants=["+wakasa+"]") || !strings.Contains(log, fmt.Sprintf("events=%d whole=true", strings.Count(file, "\n"))) {
		t.Error("the download is not noted", log)
	}
	for path, want := range map[string]int{
		"?format=xls": http.StatusBadRequest, "": http.StatusBadRequest, "?format=csv&q=" + url.QueryEscape(`sorce.ip == "1"`): http.StatusBadRequest, "?format=csv&columns=sorce.ip": http.StatusBadRequest,
	} {
		if status, _ := b.get("/search/export" + path); status != want {
			t.Errorf("%s: %d, want %d", path, status, want)
		}
	}
	s.memory.cut = true
	r := b.request(http.MethodGet, "/search/export?range=30d&format=csv", nil)
	if resp, err := b.Do(r); err == nil {
		if _, err := io.ReadAll(resp.Body); err == nil {
			t.Error("a download that was cut looks whole")
		}
		resp.Body.Close()
	}
	if resp, err := s.browser(t).Get(s.URL + "/search/export?format=csv"); err != nil || !strings.Contains(resp.Request.URL.Path, "signin") {
		t.Error("a stranger downloads", err)
	} else {
		resp.Body.Close()
	}
}

func TestStatementsKeepToTheTownAndAreNoted(t *testing.T) {
	s := newSite(t)
	b := s.signedIn(t, "wakasa", soc.Municipality, wakasa)
	_, page := b.get("/sql")
	wants(t, page, "SELECT文", "表 events")
	_, page = b.get("/sql?q=" + url.QueryEscape("SELECT 1 FROM events"))
	wants(t, page, "["+wakasa+"]", "途中まで", "CSVで保存")
	if log := s.log.String(); !strings.Contains(log, `msg=sql user=wakasa tenants=[`+wakasa+`] text="SELECT 1 FROM events"`) {
		t.Error("the statement is not noted", log)
	}
	status, page := b.get("/sql?q=" + url.QueryEscape("SELECT mistake"))
	wants(t, page, "1行8文字目", "関数「getenv」は使えません")
	if status != http.StatusUnprocessableEntity {
		t.Error(status)
	}
	status, page = b.get("/sql?q=large")
	wants(t, page, "メモリー")
	if status != http.StatusUnprocessableEntity {
		t.Error(status)
	}
	if _, file := b.get("/sql?format=csv&q=x"); file != "tenants,none\n" {
		t.Error(file)
	}
}

func TestSearchesAreKeptOpenedAndDeleted(t *testing.T) {
	s := newSite(t)
	b := s.signedIn(t, "tottori", soc.Municipality, tottori)
	_, page := b.post("/search", "do", "save", "name", "拒否された通信", "shared", tottori, "q", `event.action == "deny"`, "range", "7d", "columns", "source.ip")
	wants(t, page, "検索「拒否された通信」を保存しました", `event.action == &#34;deny&#34;`)
	other := s.signedIn(t, "tottori2", soc.Municipality, tottori)
	_, page = other.get("/search")
	m := regexp.MustCompile(`href="(/search\?[^"]*columns=source.ip[^"]*)">拒否された通信`).FindStringSubmatch(page)
	if m == nil {
		t.Fatal("it is not offered to the municipality's other user")
	}
	_, page = other.get(strings.ReplaceAll(m[1], "&amp;", "&"))
	wants(t, page, "過去7日", `value="source.ip"`)
	_, page = s.signedIn(t, "wakasa", soc.Municipality, wakasa).get("/search")
	lacks(t, page, "拒否された通信")
	list, err := s.soc.Searches(t.Context(), &soc.User{Name: "tottori", Role: soc.Municipality})
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	id := fmt.Sprint(list[0].ID)
	if status, _ := other.post("/search", "do", "delete", "id", id); status != http.StatusNotFound {
		t.Error("another deletes it", status)
	}
	for _, form := range [][]string{{"do", "save", "name", "x", "shared", "*"}, {"do", "save", "name", " "}, {"do", "save", "name", "x", "columns", "sorce.ip"}, {"do", "delete", "id", "x"}, {"do", "nothing"}} {
		if status, _ := b.post("/search", form...); status != http.StatusBadRequest {
			t.Errorf("%q: %d", form, status)
		}
	}
	_, page = b.post("/search", "do", "delete", "id", id)
	wants(t, page, "検索を削除しました", "まだありません")
}

func TestFollowingShowsTheNewestAndSaysWhatItLeavesOut(t *testing.T) {
	s := newSite(t)
	b := s.signedIn(t, "bunseki", soc.Analyst)
	_, page := b.get("/search?live=1&range=7d")
	wants(t, page, `hx-get="/search/live?live=1&amp;range=7d"`, "5秒ごと", "ほかの900件は省いています", "追うのをやめる")
	_, part := b.get("/search/live?live=1&range=7d")
	wants(t, part, `id="live-result"`, "ほかの900件")
	lacks(t, part, "<html", `href="/search/live`, "/search/fields")
	_, page = b.get("/search?range=7d")
	lacks(t, page, "live-result")
}
