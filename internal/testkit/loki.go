package testkit

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// Loki is a real Loki on this machine: one process, loopback, files, and tenants
// that have to be named.
type Loki struct {
	URL string

	program, dir string
	cmd          *exec.Cmd
}

// NewLoki starts a Loki that ends with the test. limits are lines of YAML for
// its limits_config. Engine says when the test is skipped.
func NewLoki(t testing.TB, limits ...string) *Loki {
	t.Helper()
	l := &Loki{program: filepath.Join(Engine(t, "loki-v3.7.8"), "loki"), dir: t.TempDir()}
	ports, err := freePorts(2)
	if err != nil {
		t.Fatal(err)
	}
	l.URL = "http://127.0.0.1:" + ports[0]
	config := fmt.Sprintf(lokiConfig, ports[0], ports[1], l.dir)
	for _, line := range limits {
		config += "  " + line + "\n"
	}
	if err := os.WriteFile(filepath.Join(l.dir, "loki.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	l.Start(t)
	t.Cleanup(func() { l.Kill(t) })
	return l
}

const lokiConfig = `auth_enabled: true
analytics: {reporting_enabled: false}
server:
  http_listen_address: 127.0.0.1
  http_listen_port: %s
  grpc_listen_address: 127.0.0.1
  grpc_listen_port: %s
  log_level: warn
common:
  instance_addr: 127.0.0.1
  path_prefix: %s
  replication_factor: 1
  ring: {kvstore: {store: inmemory}}
  storage: {filesystem: {}}
ingester:
  lifecycler: {min_ready_duration: 0s}
schema_config:
  configs:
    - {from: "2015-01-01", store: tsdb, object_store: filesystem, schema: v13, index: {prefix: index_, period: 24h}}
limits_config:
  max_entries_limit_per_query: 100000
  max_query_length: 0s
`

// Start starts it, again after Kill: at the same address, with the data that it
// has. It waits until it is ready.
func (l *Loki) Start(t testing.TB) {
	t.Helper()
	log, err := os.Create(filepath.Join(l.dir, "loki.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	l.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), l.program, "-config.file="+filepath.Join(l.dir, "loki.yaml"))
	l.cmd.Stdout, l.cmd.Stderr, l.cmd.Dir = log, log, l.dir
	if err := l.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for range 1200 {
		if status, _ := l.get(t, "/ready", ""); status == http.StatusOK {
			return
		}
		<-tick.C
	}
	text, _ := os.ReadFile(filepath.Join(l.dir, "loki.log"))
	t.Fatalf("Loki does not get ready: %s", text)
}

// Kill ends it as a power cut would.
func (l *Loki) Kill(t testing.TB) {
	t.Helper()
	if l.cmd == nil {
		return
	}
	_ = l.cmd.Process.Kill() // it may have ended by itself
	_ = l.cmd.Wait()
	l.cmd = nil
}

func (l *Loki) get(t testing.TB, path, tenant string) (int, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, l.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if tenant != "" {
		req.Header.Set("X-Scope-OrgID", tenant)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil
	}
	defer resp.Body.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(resp.Body); err != nil {
		return 0, nil
	}
	return resp.StatusCode, b.Bytes()
}

// Flush makes it write out what it has in memory: what is older than three hours
// is found only then.
func (l *Loki) Flush(t testing.TB) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, l.URL+"/flush", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusNoContent {
		t.Fatal("flush: ", resp.Status)
	}
}

// LokiLine is one line of an answer, with labels and metadata together.
type LokiLine struct {
	Labels map[string]string
	Time   time.Time
	Line   string
}

// Query asks LogQL as a tenant, for lines between two times.
func (l *Loki) Query(t testing.TB, tenant, logql string, from, to time.Time) []LokiLine {
	t.Helper()
	q := url.Values{
		"query": {logql}, "limit": {"100000"}, "direction": {"forward"},
		"start": {strconv.FormatInt(from.UnixNano(), 10)}, "end": {strconv.FormatInt(to.UnixNano(), 10)},
	}
	status, body := l.get(t, "/loki/api/v1/query_range?"+q.Encode(), tenant)
	var answer struct {
		Data struct {
			Result []struct {
				Stream map[string]string
				Values [][2]string
			}
		}
	}
	if err := json.Unmarshal(body, &answer); status != http.StatusOK || err != nil {
		t.Fatalf("%s: %d %s %v", logql, status, body, err)
	}
	var out []LokiLine
	for _, r := range answer.Data.Result {
		for _, v := range r.Values {
			ns, err := strconv.ParseInt(v[0], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, LokiLine{r.Stream, time.Unix(0, ns).UTC(), v[1]})
		}
	}
	return out
}
