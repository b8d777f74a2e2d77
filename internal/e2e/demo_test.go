package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestDemoShowsTownsAndAlertsWithinAMinuteAndKeepsThem is the README's first
// command as a new user would meet it.
func TestDemoShowsTownsAndAlertsWithinAMinuteAndKeepsThem(t *testing.T) {
	gate(t)
	dir := t.TempDir()
	demo := []string{filepath.Join(binaries, "mimamori"), "demo", "--data", "demo", "--listen", "127.0.0.1:0"}
	p := start(t, dir, demo...)
	setup := p.find(t, setupURL)
	c := newVisitor(t)
	c.setUp(setup)
	s := &system{t: t, dir: dir, data: "demo/prefecture"}
	await(t, time.Minute, "events of 5 towns and an alert", func() bool {
		var a struct {
			Sources []struct{ Municipality string }
		}
		if json.Unmarshal([]byte(s.run("mimamori", "ledger", "--json", "--data", s.data)), &a) != nil {
			return false
		}
		towns := map[string]bool{}
		for _, src := range a.Sources {
			towns[src.Municipality] = true
		}
		return len(towns) >= 5 && strings.Contains(c.get("/alerts"), "/alerts/")
	})
	stored := s.query("", 1).Total
	if d := p.stop(t); d > 5*time.Second {
		t.Errorf("Ctrl-C took %s", d)
	}
	p = start(t, dir, demo...)
	again := p.find(t, consoleURL)
	c.base = again
	c.signIn()
	if !strings.Contains(c.get("/alerts"), "/alerts/") {
		t.Error("the alerts are gone after a restart")
	}
	if n := s.query("", 1).Total; n < stored {
		t.Errorf("%d events after the restart, %d before", n, stored)
	}
	if d := p.stop(t); d > 5*time.Second {
		t.Errorf("Ctrl-C took %s", d)
	}
}

// visitor is a person's browser without scripts.
type visitor struct {
	t    *testing.T
	base string
	http *http.Client
}

const (
	visitorName     = "admin"
	visitorPassword = "mimamori-e2e-pass-4711"
)

func newVisitor(t *testing.T) *visitor {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &visitor{t: t, http: &http.Client{Jar: jar, Timeout: 30 * time.Second}}
}

func (v *visitor) post(path string, form url.Values) *http.Response {
	v.t.Helper()
	req, err := http.NewRequestWithContext(v.t.Context(), http.MethodPost, v.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		v.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", v.base)
	resp, err := v.http.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	resp.Body.Close()
	return resp
}

// setUp makes the first administrator by the one-time link.
func (v *visitor) setUp(link string) {
	v.t.Helper()
	base, query, _ := strings.Cut(link, "/setup?")
	v.base = base
	token, _ := url.ParseQuery(query)
	resp := v.post("/setup", url.Values{"token": token["token"], "name": {visitorName}, "display": {"試験 管理者"}, "password": {visitorPassword}, "again": {visitorPassword}})
	if resp.StatusCode != http.StatusOK {
		v.t.Fatalf("set-up: %s", resp.Status)
	}
	v.signIn()
}

func (v *visitor) signIn() {
	v.t.Helper()
	if resp := v.post("/signin", url.Values{"name": {visitorName}, "password": {visitorPassword}}); resp.StatusCode != http.StatusOK {
		v.t.Fatalf("sign-in: %s", resp.Status)
	}
}

func (v *visitor) get(path string) string {
	v.t.Helper()
	req, err := http.NewRequestWithContext(v.t.Context(), http.MethodGet, v.base+path, nil)
	if err != nil {
		v.t.Fatal(err)
	}
	resp, err := v.http.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer resp.Body.Close()
	var b strings.Builder
	if _, err := fmt.Fprint(&b, resp.Status, "\n"); err != nil {
		v.t.Fatal(err)
	}
	buf := make([]byte, 1<<20)
	for {
		n, err := resp.Body.Read(buf)
		b.Write(buf[:n])
		if err != nil {
			return b.String()
		}
	}
}

// TestABrowserSignsInSearchesAndClosesAnAlert drives real Chromium over the
// demo, through dashboards/console/e2e.
func TestABrowserSignsInSearchesAndClosesAnAlert(t *testing.T) {
	gate(t)
	dir := t.TempDir()
	p := start(t, dir, filepath.Join(binaries, "mimamori"), "demo", "--data", "demo", "--listen", "127.0.0.1:0")
	c := newVisitor(t)
	c.setUp(p.find(t, setupURL))
	await(t, time.Minute, "an alert", func() bool { return strings.Contains(c.get("/alerts"), "/alerts/") })
	scripts, err := filepath.Abs("../../dashboards/console/e2e")
	if err != nil {
		t.Fatal(err)
	}
	work := filepath.Join(dir, "browser")
	if err := os.CopyFS(work, os.DirFS(scripts)); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"npm", "install", "--no-audit", "--no-fund", "--ignore-scripts"}, {"node", "e2e.mjs"}} {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Dir = work
		shots := os.Getenv("MIMAMORI_SHOTS")
		if shots == "" {
			shots = filepath.Join(dir, "shots")
		}
		cmd.Env = append(os.Environ(), "BASE_URL="+c.base, "USER_NAME="+visitorName, "PASSWORD="+visitorPassword, "SHOTS="+shots)
		out, err := cmd.CombinedOutput()
		t.Logf("%s\n%s", strings.Join(args, " "), out)
		if err != nil {
			t.Fatal(err)
		}
	}
	p.stop(t)
}
