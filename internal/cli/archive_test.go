package cli

import (
	"crypto/ed25519"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mimamori/archive"
	"mimamori/frame"
	"mimamori/internal/app"
)

// archived makes a data folder with an archive of one day that is over.
func archived(t *testing.T) (data string) {
	t.Helper()
	cfg := app.DefaultConfig()
	cfg.Data = t.TempDir()
	files := cfg.ArchiveFiles()
	keys, err := files.OpenKeys()
	if err != nil {
		t.Fatal(err)
	}
	sign, err := archive.LoadOrMakeSigner(files.Sign)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	a, err := archive.Open(archive.Config{Dir: files.Dir, Keys: keys, Sign: sign, Now: func() time.Time { return now }, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	w, err := frame.NewWriter(frame.Header{Collector: "town-a", Municipality: "312011", Source: "fw", Epoch: 5}, key)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"first", "second", "third"} {
		w.Add(&frame.Record{Line: line, Received: now.UnixMicro(), Input: "file"})
		w.Add(&frame.Record{Line: line + " again", Received: now.UnixMicro(), Input: "file"})
		f, err := w.Seal()
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Append(t.Context(), []archive.Arrival{{Frame: f, Public: key.Public().(ed25519.PublicKey)}}); err != nil {
			t.Fatal(err)
		}
	}
	now = now.AddDate(0, 0, 1)
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	return cfg.Data
}

func TestArchiveIsVerifiedAndEvidenceTakenOut(t *testing.T) {
	data := archived(t)
	dir, out := filepath.Join(data, "archive"), t.TempDir()
	anchor, evidence := filepath.Join(out, "head.txt"), filepath.Join(out, "evidence.json")
	head := must(t, "", "archive", "head", dir)
	if err := os.WriteFile(anchor, []byte(head), 0o600); err != nil {
		t.Fatal(err)
	}
	if fresh := must(t, "", "archive", "head", "--now", "--data", data); !strings.Contains(fresh, "312011 2026-11-22") {
		t.Error(fresh)
	}
	if text := must(t, "", "archive", "verify", dir, "--anchor", anchor); !strings.Contains(text, "異常なし") || !strings.Contains(text, "欠番なし") {
		t.Error(text)
	}
	deep := object(t, must(t, "", "archive", "verify", dir, "--deep", "--data", data, "--json"), "findings", "sequences")
	if deep["opened"] != 3.0 || deep["frames"] != 3.0 {
		t.Errorf("%+v", deep)
	}
	object(t, must(t, "", "archive", "status", "--data", data, "--json"), "municipalities")
	if text := must(t, "", "archive", "keys", "--data", data); !strings.Contains(text, "312011        2026-11  1       ready") {
		t.Error(text)
	}
	must(t, "", "archive", "extract", dir, "--data", data, "--select", "town-a/fw/5/3", "--out", evidence)
	if text := must(t, "", "archive", "verify", evidence, "--anchor", anchor); !strings.Contains(text, `"second"`) || strings.Contains(text, `"second again"`) {
		t.Error(text)
	}
	frames := filepath.Join(dir, "312011", "2026-11-22.frames")
	b, err := os.ReadFile(frames)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)-1] ^= 1
	if err := os.WriteFile(frames, b, 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := run(t, "", "archive", "verify", dir)
	if err == nil || !strings.Contains(text, "改変 edited\t312011/2026-11-22.frames frame 3") {
		t.Errorf("%v: %s", err, text)
	}
}

func TestArchiveCommandsRefuseWhatTheyCannotRead(t *testing.T) {
	data := archived(t)
	dir := filepath.Join(data, "archive")
	for want, args := range map[string][]string{
		"no such file":   {"archive", "verify", filepath.Join(data, "nowhere")},
		"is no archive":  {"archive", "verify", t.TempDir()},
		"not genuine":    {"archive", "verify", dir, "--anchor", filepath.Join(dir, "archive.pub")},
		"no evidence":    {"archive", "verify", filepath.Join(dir, "archive.pub")},
		"archive: keys":  {"archive", "extract", dir, "--data", t.TempDir()},
		"--select":       {"archive", "extract", dir, "--data", data, "--select", "a/b/c"},
		"nothing in":     {"archive", "extract", dir, "--data", data, "--select", "nobody", "--out", filepath.Join(t.TempDir(), "e")},
		"no head yet":    {"archive", "head", t.TempDir()},
		"signing key":    {"archive", "head", dir, "--now", "--data", t.TempDir()},
		"holds no archi": {"archive", "head", t.TempDir(), "--now", "--data", data},
	} {
		if _, err := run(t, "", args...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %q", args, err, want)
		}
	}
}
