package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"mimamori/internal/testkit"
)

// eachCase reads a corpus of JSON lines until fn has enough.
func eachCase(t *testing.T, name string, fn func(map[string]json.RawMessage) bool) {
	t.Helper()
	for line := range testkit.Lines(t, name) {
		var c map[string]json.RawMessage
		if err := json.Unmarshal(line, &c); err != nil {
			t.Fatal(err)
		}
		if !fn(c) {
			return
		}
	}
}

func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return string(raw)
	}
	return s
}

// certificate writes a self-signed certificate for 127.0.0.1.
func (s *system) certificate() {
	s.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		s.t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "collector"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(24 * time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		s.t.Fatal(err)
	}
	k, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		s.t.Fatal(err)
	}
	s.write("cert.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	s.write("key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: k})))
}

// rsyslog sends a file's lines by TCP with TLS.
func (s *system) rsyslog(lines string) {
	s.t.Helper()
	path, err := exec.LookPath("rsyslogd")
	if err != nil {
		s.t.Fatal("rsyslogd is missing: apt-get install rsyslog rsyslog-gnutls")
	}
	host, port, _ := net.SplitHostPort(s.syslog)
	if err := os.MkdirAll(filepath.Join(s.dir, "rsyslog"), 0o755); err != nil {
		s.t.Fatal(err)
	}
	s.write("rsyslog.conf", fmt.Sprintf(`global(workDirectory="%[1]s/rsyslog" defaultNetstreamDriver="gtls" defaultNetstreamDriverCAFile="%[1]s/cert.pem" maxMessageSize="64k")
module(load="imfile" PollingInterval="1")
template(name="raw" type="string" string="%%msg%%\n")
input(type="imfile" File="%[1]s/%[2]s" Tag="x" ruleset="send" readMode="0")
ruleset(name="send") {
  action(type="omfwd" target="%[3]s" port="%[4]s" protocol="tcp" template="raw" StreamDriver="gtls" StreamDriverMode="1" StreamDriverAuthMode="anon"
         queue.type="LinkedList" queue.size="50000" queue.saveOnShutdown="off" action.resumeRetryCount="-1" queue.timeoutEnqueue="10000")
}
`, s.dir, lines, host, port))
	start(s.t, s.dir, path, "-n", "-f", filepath.Join(s.dir, "rsyslog.conf"), "-i", filepath.Join(s.dir, "rsyslog.pid"))
}

// squid serves n requests and returns how many lines it wrote to access.log.
func (s *system) squid(n int) int {
	s.t.Helper()
	path, err := exec.LookPath("squid")
	if err != nil {
		s.t.Fatal("squid is missing: apt-get install squid")
	}
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") }))
	s.t.Cleanup(site.Close)
	listen := freePort(s.t)
	_, port, _ := net.SplitHostPort(listen)
	dir := filepath.Join(s.dir, "squid")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		s.t.Fatal(err)
	}
	for d := dir; d != "/tmp" && d != "/"; d = filepath.Dir(d) { // squid runs as its own user
		_ = os.Chmod(d, 0o777)
	}
	s.write("squid.conf", fmt.Sprintf(`http_port 127.0.0.1:%[2]s
pid_filename %[1]s/squid.pid
cache_log %[1]s/cache.log
access_log stdio:%[1]s/access.log squid
cache deny all
http_access allow all
shutdown_lifetime 1 seconds
logfile_rotate 0
coredump_dir %[1]s
dns_nameservers 127.0.0.1
`, dir, port))
	p := start(s.t, s.dir, path, "-N", "-f", filepath.Join(s.dir, "squid.conf"))
	await(s.t, 30*time.Second, "squid answers", func() bool {
		c, err := net.DialTimeout("tcp", listen, time.Second)
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	proxy, _ := url.Parse("http://" + listen)
	client := &http.Client{Transport: &http.Transport{Proxy: func(*http.Request) (*url.URL, error) { return proxy, nil }}}
	for i := range n {
		resp, err := client.Get(fmt.Sprintf("%s/page-%05d", site.URL, i))
		if err != nil {
			s.t.Fatal(err)
		}
		resp.Body.Close()
	}
	client.CloseIdleConnections()
	var log []byte
	await(s.t, 30*time.Second, "squid writes its log", func() bool {
		log, err = os.ReadFile(filepath.Join(dir, "access.log"))
		return err == nil && strings.Count(string(log), "/page-") == n
	})
	p.kill()
	log, err = os.ReadFile(filepath.Join(dir, "access.log"))
	if err != nil {
		s.t.Fatal(err)
	}
	return strings.Count(string(log), "\n")
}

// rotate appends lines to a file that is rotated several times meanwhile.
func (s *system) rotate(name string, lines []string) {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	pace := time.NewTicker(50 * time.Millisecond)
	defer pace.Stop()
	for part := range 5 {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		if err != nil {
			s.t.Fatal(err)
		}
		for i, l := range lines[len(lines)*part/5 : len(lines)*(part+1)/5] {
			if i%100 == 0 {
				<-pace.C
			}
			if _, err := fmt.Fprintln(f, l); err != nil {
				s.t.Fatal(err)
			}
		}
		if err := f.Close(); err != nil {
			s.t.Fatal(err)
		}
		if part < 4 {
			if err := os.Rename(path, fmt.Sprintf("%s.%d", path, part+1)); err != nil {
				s.t.Fatal(err)
			}
		}
	}
}

func TestRealSendersArriveWholeAndOnce(t *testing.T) {
	gate(t)
	testkit.Corpora(t)
	s := newSystem(t, `  - {source: firewall, type: syslog, listen: "tls://SYSLOG", cert: cert.pem, key: key.pem}
  - {source: proxy, type: file, paths: [squid/access.log]}
  - {source: endpoints, type: file, paths: [sysmon.json]}
`)
	s.certificate()
	s.startUp()
	s.startCollector()

	syslogLines := 20_000
	if n, err := strconv.Atoi(os.Getenv("MIMAMORI_LINES")); err == nil {
		syslogLines = n
	}
	var seeds [2][]string // FortiGate, sshd
	eachCase(t, "parsers/sekoia-intake.jsonl.gz", func(c map[string]json.RawMessage) bool {
		if line := text(c["raw"]); text(c["product"]) == "fortigate" && !strings.ContainsAny(line, "\n\r") {
			seeds[0] = append(seeds[0], line)
		}
		return true
	})
	eachCase(t, "loghub/loghub-2k.jsonl.gz", func(c map[string]json.RawMessage) bool {
		if text(c["source"]) == "OpenSSH" {
			seeds[1] = append(seeds[1], text(c["raw"]))
		}
		return true
	})
	var b strings.Builder
	for i := range syslogLines {
		fmt.Fprintf(&b, "%s mark-%05d\n", strings.TrimSpace(seeds[i%2][i/2%len(seeds[i%2])]), i)
	}
	s.write("syslog.txt", b.String())
	s.rsyslog("syslog.txt")

	var sysmon []string
	eachCase(t, "otrf/windows.jsonl.gz", func(c map[string]json.RawMessage) bool {
		if strings.Contains(string(c["event"]), "Microsoft-Windows-Sysmon/Operational") {
			sysmon = append(sysmon, fmt.Sprintf(`{"Mark":"mark-s%05d",%s`, len(sysmon), string(c["event"])[1:]))
		}
		return len(sysmon) < 5000
	})
	s.rotate("sysmon.json", sysmon)
	const requests = 500
	sent := syslogLines + len(sysmon) + s.squid(requests)

	a := s.settled(uint64(sent), 2*time.Minute)
	t.Logf("%d lines sent; ledger %+v", sent, a)
	for _, needle := range []string{"mark-00017", fmt.Sprintf("mark-%05d", syslogLines-1), "mark-s04321", "page-00123"} {
		if n := s.query(needle, 5).Total; n != 1 {
			t.Errorf("%s: found %d times", needle, n)
		}
	}
	for text, least := range map[string]int64{
		`event.module == "fortinet" || observer.vendor == "Fortinet"`:                int64(syslogLines) * 9 / 20,
		`process.name == "sshd" || event.module == "openssh"`:                        int64(syslogLines) * 9 / 20,
		`event.module == "squid" && http.response.status_code == 200`:                requests,
		`winlog.channel == "Microsoft-Windows-Sysmon/Operational" && has(host.name)`: int64(len(sysmon)),
	} {
		if n := s.query(text, 1).Total; n < least {
			t.Errorf("%s: %d events, want at least %d", text, n, least)
		}
	}
	if d := s.col.stop(t); d > 5*time.Second {
		t.Errorf("the collector took %s to end", d)
	}
	if d := s.up.stop(t); d > 5*time.Second {
		t.Errorf("the prefecture's program took %s to end", d)
	}
}
