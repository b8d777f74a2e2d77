package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func execute(ctx context.Context, t *testing.T, args ...string) (string, error) {
	t.Helper()
	cmd := command()
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetArgs(args)
	err := cmd.ExecuteContext(ctx)
	return out.String(), err
}

func config(t *testing.T, more string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "collector.yaml")
	text := "collector: town-a\nmunicipality: \"312011\"\nzone: internet\nprefecture: {urls: [\"nats://127.0.0.1:1\"]}\n" +
		"inputs: [{source: fw, type: syslog, listen: \"tcp://127.0.0.1:0\"}]\nstatus: {listen: \"127.0.0.1:0\"}\n" + more
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCheckTellsTheMistakeAndItsPlace(t *testing.T) {
	if out, err := execute(t.Context(), t, "check", "--config", config(t, "")); err != nil || !strings.Contains(out, "in order, 1 inputs") {
		t.Errorf("%v %s", err, out)
	}
	path := config(t, "spol: {}\n")
	if out, err := execute(t.Context(), t, "check", "--config", path); err == nil || !strings.Contains(out, path+":7:1: unknown key") {
		t.Errorf("%v %s", err, out)
	}
	path = config(t, "\n")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.Replace(text, []byte(`"tcp://127.0.0.1:0"`), []byte(`"tls://127.0.0.1:0", cert: none.pem, key: none.pem`), 1)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := execute(t.Context(), t, "check", "--config", path); err == nil || !strings.Contains(out, "none.pem") {
		t.Errorf("%v %s", err, out)
	}
}

func TestKeyIsMadeOnceAndPrinted(t *testing.T) {
	path := config(t, "")
	first, err := execute(t.Context(), t, "key", "--config", path)
	if err != nil || len(first) != 57 || first[0] != 'U' {
		t.Fatalf("%v %q", err, first)
	}
	if again, err := execute(t.Context(), t, "key", "--config", path); err != nil || again != first {
		t.Errorf("%v %q, before %q", err, again, first)
	}
}

func TestRunEndsCleanlyWithoutAPrefecture(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // as an interrupt right at the start
	if out, err := execute(ctx, t, "run", "--config", config(t, "")); err != nil && !strings.Contains(err.Error(), "canceled") {
		t.Errorf("%v %s", err, out)
	}
}

func TestVersion(t *testing.T) {
	if out, err := execute(t.Context(), t, "version"); err != nil || !strings.HasPrefix(out, "mimamori-collector ") {
		t.Errorf("%v %s", err, out)
	}
}
