package testkit

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Elastic is a real Elasticsearch, or OpenSearch, on this machine: one node,
// loopback, 512 MB of heap, data in a temporary folder. Elasticsearch's security
// is switched on.
type Elastic struct {
	URL      string
	Password string // of the user "elastic"; "" for no security

	name      string // of the program and its settings' file
	java      string // where its Java is; "" lets it look for any
	dir, home string
	ended     chan struct{} // closed when the process has ended
}

// NewElastic starts an Elasticsearch, as Engine says, that ends with the test.
func NewElastic(t testing.TB) *Elastic {
	t.Helper()
	e := &Elastic{Password: "only-for-tests", name: "elasticsearch", java: java(17, 17)}
	e.begin(t, Engine(t, "elasticsearch-8.19.21"))
	return e
}

// NewOpenSearch starts an OpenSearch in the same way. It needs Java 21 or newer
// and, since it is slow to start, MIMAMORI_OPENSEARCH=1, too; the test is skipped
// without.
func NewOpenSearch(t testing.TB) *Elastic {
	t.Helper()
	e := &Elastic{name: "opensearch", java: java(21, 99)}
	if os.Getenv("MIMAMORI_OPENSEARCH") == "" || e.java == "" {
		t.Skip("it needs MIMAMORI_OPENSEARCH=1, and Java 21 or newer in /usr/lib/jvm")
	}
	e.begin(t, Engine(t, "opensearch-3.6.0"))
	return e
}

func (e *Elastic) begin(t testing.TB, home string) {
	t.Helper()
	// Elasticsearch does not run as root: the folder is open to whom it runs as.
	dir, err := os.MkdirTemp("", "elastic")
	if err != nil {
		t.Fatal(err)
	}
	e.dir, e.home = dir, filepath.Join(dir, "home")
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := e.prepare(home); err != nil {
		t.Fatal(err)
	}
	e.Start(t)
	t.Cleanup(func() { e.Kill(t) })
}

// Engine is the folder of an engine that `make engines` has fetched. Without
// MIMAMORI_E2E=1 the test is skipped, with it and no engine it fails.
func Engine(t testing.TB, name string) string {
	t.Helper()
	if os.Getenv("MIMAMORI_E2E") == "" {
		t.Skip("it needs MIMAMORI_E2E=1, and " + name + " (make engines)")
	}
	root := os.Getenv("MIMAMORI_ENGINES")
	if root == "" {
		user, err := os.UserHomeDir()
		if err != nil {
			t.Fatal(err)
		}
		root = filepath.Join(user, ".cache", "mimamori", "engines")
	}
	dir := filepath.Join(root, name)
	if _, err := os.Stat(dir); err != nil {
		t.Fatalf("%v: fetch it with `make engines`", err)
	}
	return dir
}

// Start starts the engine, again after Kill: at the same address, with the data
// that it has. It waits until it answers.
func (e *Elastic) Start(t testing.TB) {
	t.Helper()
	log, err := os.Create(filepath.Join(e.dir, "stdout.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	args := []string{filepath.Join(e.home, "bin", e.name), "-p", e.pidFile()}
	if os.Getuid() == 0 {
		args = append([]string{"setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"}, args...)
	}
	cmd := exec.Command(args[0], args[1:]...) //nolint:noctx // ours; Kill ends it
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = e.dir, e.env(), log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	e.ended = ended
	for end := time.Now().Add(3 * time.Minute); !e.answers(); {
		pause := time.NewTimer(200 * time.Millisecond)
		select {
		case <-ended:
			out, _ := os.ReadFile(log.Name())
			t.Fatalf("%s ended:\n%s", e.name, out)
		case <-pause.C:
		}
		if time.Now().After(end) {
			out, _ := os.ReadFile(log.Name())
			t.Fatalf("%s does not answer:\n%s", e.name, out)
		}
	}
}

// Kill ends the engine as a power cut does, and waits for its end.
func (e *Elastic) Kill(t testing.TB) {
	t.Helper()
	select {
	case <-e.ended:
		return
	default:
	}
	text, err := os.ReadFile(e.pidFile())
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	if p, err := os.FindProcess(pid); err == nil {
		_ = p.Kill()
	}
	<-e.ended // the launcher ends with the server
	_ = os.Remove(e.pidFile())
}

func (e *Elastic) pidFile() string { return filepath.Join(e.dir, "pid") }

func (e *Elastic) env() []string {
	own := map[string]string{"elasticsearch": "ES_", "opensearch": "OPENSEARCH_"}[e.name]
	return append(os.Environ(), own+"JAVA_HOME="+e.java, own+"PATH_CONF="+filepath.Join(e.dir, "config"), own+"TMPDIR="+filepath.Join(e.dir, "tmp"), "HOME="+e.dir)
}

// java is where a Java of these versions is kept, the newest; "" for none.
func java(from, to int) string {
	found, err := filepath.Glob("/usr/lib/jvm/*/release")
	if err != nil {
		return ""
	}
	best, at := 0, ""
	for _, path := range found {
		text, err := os.ReadFile(path)
		_, version, ok := strings.Cut(string(text), `JAVA_VERSION="`)
		if err != nil || !ok {
			continue
		}
		n, err := strconv.Atoi(version[:max(0, strings.IndexAny(version, `."`))])
		if err == nil && from <= n && n <= to && n > best {
			best, at = n, filepath.Dir(path)
		}
	}
	return at
}

func (e *Elastic) answers() bool {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, e.URL+"/_cluster/health?wait_for_status=yellow&timeout=3s", nil)
	if err != nil {
		return false
	}
	if e.Password != "" {
		req.SetBasicAuth("elastic", e.Password)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode == http.StatusOK
}

// prepare makes the folder of one node.
func (e *Elastic) prepare(from string) error {
	ports, err := freePorts(2)
	if err != nil {
		return err
	}
	e.URL = "http://127.0.0.1:" + ports[0]
	if err := linkTree(from, e.home); err != nil {
		return err
	}
	config := filepath.Join(e.dir, "config")
	if err := os.CopyFS(config, os.DirFS(filepath.Join(from, "config"))); err != nil {
		return err
	}
	options, err := os.ReadFile(filepath.Join(config, "jvm.options"))
	if err != nil {
		return err
	}
	kept := ""
	for line := range strings.Lines(string(options)) {
		if !strings.Contains(line, "logs/") && !strings.Contains(line, "HeapDumpPath") {
			kept += line // the others write beside where they run
		}
	}
	security := ""
	if e.Password != "" {
		security = "xpack.security.enabled: true\nxpack.security.enrollment.enabled: false\n"
	}
	for path, text := range map[string]string{
		"jvm.options": kept, "jvm.options.d/heap.options": "-Xms512m\n-Xmx512m\n",
		e.name + ".yml": "cluster.name: test\nnode.name: n1\nnetwork.host: 127.0.0.1\nhttp.port: " + ports[0] + "\ntransport.port: " + ports[1] +
			"\ndiscovery.type: single-node\npath.data: " + e.dir + "/data\npath.logs: " + e.dir + "/logs\ncluster.routing.allocation.disk.threshold_enabled: false\n" +
			"action.destructive_requires_name: false\n" + security,
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(config, path)), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(config, path), []byte(text), 0o644); err != nil {
			return err
		}
	}
	for _, sub := range []string{"data", "logs", "tmp"} {
		if err := os.Mkdir(filepath.Join(e.dir, sub), 0o755); err != nil {
			return err
		}
	}
	if err := e.keystore(); err != nil {
		return err
	}
	if os.Getuid() != 0 {
		return nil
	}
	if err := os.Chmod(e.dir, 0o755); err != nil {
		return err
	}
	return chownTree(e.dir, 65534)
}

// keystore keeps the password where the engine looks for it.
func (e *Elastic) keystore() error {
	program := filepath.Join(e.home, "bin", "elasticsearch-keystore")
	for _, args := range [][]string{{"create"}, {"add", "-x", "-f", "bootstrap.password"}} {
		if e.Password == "" {
			break
		}
		cmd := exec.Command(program, args...) //nolint:noctx // ours, and short
		cmd.Env, cmd.Stdin = e.env(), strings.NewReader(e.Password)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", program, err, out)
		}
	}
	return nil
}

// freePorts finds ports that nobody listens on now.
func freePorts(n int) ([]string, error) {
	var out []string
	for range n {
		ln, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer ln.Close()
		_, port, err := net.SplitHostPort(ln.Addr().String())
		if err != nil {
			return nil, err
		}
		out = append(out, port)
	}
	return out, nil
}

// linkTree copies a folder, by links where that works: no byte is changed in it.
func linkTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		if d.IsDir() {
			return os.MkdirAll(target, 0o755)
		}
		if os.Link(path, target) == nil {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		return os.WriteFile(target, text, info.Mode())
	})
}

// chownTree gives the folder of the node away, but for the linked program.
func chownTree(dir string, id int) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && d.Name() == "home" {
			return filepath.SkipDir
		}
		return os.Chown(path, id, id)
	})
}
