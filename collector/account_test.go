package collector

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mimamori/internal/care"
)

// selfSigned writes a certificate and its key as PEM.
func selfSigned(t *testing.T, name string, end time.Time) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: end, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(t.TempDir(), "cert.pem"), filepath.Join(t.TempDir(), "key.pem")
	write(t, cert, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	write(t, key, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})))
	return cert, key
}

func TestTheHeartbeatTellsWhatTheCollectorHolds(t *testing.T) {
	in, path := fileIn(t, "app.log")
	end := time.Date(2027, 3, 31, 0, 0, 0, 0, time.UTC)
	cert, key := selfSigned(t, "collector-1", end)
	syslog := Input{Source: "fw", Type: "syslog", Listen: "tls://127.0.0.1:0", Cert: cert, Key: key, Zone: "lgwan"}
	nk := newKey(t)
	p := newPrefecture(t, nk)
	u := start(t, config(t, in, syslog), nk, p.conn)
	write(t, path, "one\ntwo\nthree\n")
	u.shipped("files", 3)
	h := u.Heartbeat()
	if h.Collector != "test" || h.Municipality != "312011" || h.Version == "" || h.Spool.MaxBytes != 8<<30 || h.Trouble != "" || h.Started.IsZero() || len(h.Sources) != 2 {
		t.Errorf("%+v", h)
	}
	if s := h.Sources[0]; s.Kind != "file" || s.Zone != "internet" || s.Last != 3 || s.Lines != 3 || s.Epoch == 0 || time.Since(s.LastLine) > time.Minute || s.Trouble != "" {
		t.Errorf("%+v", s)
	}
	if s := h.Sources[1]; s.Kind != "syslog-tls" || s.Zone != "lgwan" || !s.LastLine.IsZero() || s.Lines != 0 {
		t.Errorf("%+v", s)
	}
	if len(h.Certificates) != 1 || h.Certificates[0] != (care.Certificate{What: "inputs.fw.cert", Subject: "collector-1", NotAfter: end}) {
		t.Errorf("%+v", h.Certificates)
	}
	u.stop()
	again := start(t, u.cfg, nk, p.conn)
	if s := again.Heartbeat().Sources[0]; s.Last != 3 || s.Epoch != h.Sources[0].Epoch || s.Lines != 0 {
		t.Errorf("after a restart: %+v", s)
	}
}

func TestAWarningAboutASourceIsInItsHeartbeatForAnHour(t *testing.T) {
	in, path := fileIn(t, "app.log")
	if err := os.Mkdir(path, 0o700); err != nil { // a folder where a file should be
		t.Fatal(err)
	}
	nk := newKey(t)
	u := start(t, config(t, in, Input{Source: "other", Type: "syslog", Listen: "tcp://127.0.0.1:0"}), nk, newPrefecture(t, nk).conn)
	u.sources[0].source.log.Warn("a file cannot be read", "path", path, "err", os.ErrPermission)
	h := u.Heartbeat()
	if got := h.Sources[0].Trouble; !strings.Contains(got, "app.log") || !strings.Contains(got, "permission") {
		t.Errorf("%q", got)
	}
	if h.Sources[1].Trouble != "" {
		t.Errorf("another source's trouble: %q", h.Sources[1].Trouble)
	}
	s := u.Stats().Sources[0]
	if b := s.beat(time.Now().Add(2 * time.Hour)); b.Trouble != "" {
		t.Errorf("told for ever: %q", b.Trouble)
	}
}
