package collector

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Each file of testdata/reject begins with a comment that holds the error,
// without the file's name.
func TestRejectedConfigurations(t *testing.T) {
	files, err := filepath.Glob("testdata/reject/*.yaml")
	if err != nil || len(files) < 20 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		want, _, _ := strings.Cut(strings.TrimPrefix(string(text), "# "), "\n")
		_, err = Load(f)
		if _, ok := errors.AsType[*ConfigError](err); !ok {
			t.Errorf("%s: %v", f, err)
			continue
		}
		got, _, _ := strings.Cut(strings.TrimPrefix(err.Error(), f+":"), "\n")
		if got != strings.TrimSpace(want) {
			t.Errorf("%s:\n got %s\nwant %s", f, got, want)
		}
	}
}

func TestErrorShowsTheLineAndACaret(t *testing.T) {
	_, err := Parse("x.yaml", []byte("collector: a\nzone:  nowhere\ninputs: [{source: a, type: file, paths: [a]}]\n"))
	want := "x.yaml:2:8: zone: \"nowhere\" is no zone (use mynumber, lgwan or internet)\n  zone:  nowhere\n         ^"
	if err == nil || err.Error() != want {
		t.Errorf("got:\n%v\nwant:\n%s", err, want)
	}
}

func TestDefaultsAndPaths(t *testing.T) {
	got, err := Load("testdata/good.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		Collector: "tottori-a", Municipality: "010006", Zone: "internet", Data: "testdata/data", Key: "testdata/data/collector.nk",
		Prefecture: Prefecture{URLs: []string{"tls://seccloud.example.jp:4222"}, CA: "testdata/ca.pem"},
		Inputs: []Input{
			{Source: "fw", Type: "syslog", Zone: "internet", Listen: "udp://0.0.0.0:514"},
			{Source: "proxy", Type: "file", Zone: "lgwan", Paths: []string{"/var/log/squid/access.log*"}},
			{
				Source: "apps", Type: "http", Zone: "internet", Listen: "https://0.0.0.0:8088", Cert: "testdata/cert.pem", Key: "testdata/key.pem",
				MaxConnections: 1000, Idle: 2 * time.Minute,
				Tokens: []Token{{Name: "kyoikuiinkai", File: "testdata/kyoikuiinkai.token"}, {Name: "otel", Token: "0123456789abcdef0123456789abcdef"}},
			},
		},
		Seal: Seal{Bytes: 256 << 10, Interval: 200 * time.Millisecond}, Spool: Spool{MaxBytes: 1 << 30},
		Mask:   Mask{MyNumber: new(true), Key: "testdata/data/mask.key"},
		Status: Status{Listen: "127.0.0.1:8686"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]Size{"1": 1, "2KiB": 2048, `"1.5 MiB"`: 3 << 19, "8GiB": 8 << 30, "0B": 0} {
		var s Size
		if err := s.UnmarshalYAML([]byte(text)); err != nil || s != want {
			t.Errorf("%s: %d %v", text, s, err)
		}
	}
	for _, text := range []string{"", "KiB", "1KB", "-1", "1e99GiB", "x", "NaN"} {
		var s Size
		if err := s.UnmarshalYAML([]byte(text)); err == nil {
			t.Errorf("%q was taken for %d", text, s)
		}
	}
	if got := Size(3<<19).String() + Size(0).String() + Size(8<<30).String(); got != "1536KiB0B8GiB" {
		t.Error(got)
	}
}

func FuzzConfig(f *testing.F) {
	text, err := os.ReadFile("testdata/good.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) {
		var at *ConfigError
		if _, err := Parse("x", text); err != nil && !errors.As(err, &at) {
			t.Errorf("%T: %v", err, err)
		}
	})
}
