package cli

import (
	"bytes"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"mimamori/archive"
	"mimamori/internal/app"
	"mimamori/soc/erasure"
)

func TestCertificatesAreShownAndForgeriesRefused(t *testing.T) {
	data := archived(t)
	dir := filepath.Join(data, "archive")
	if err := certified(t, data); err != nil {
		t.Fatal(err)
	}
	const by = "erased: 312011 2026-11, by kanri (prefecture) and tottori (312011)"
	if text := must(t, "", "archive", "verify", dir); !strings.Contains(text, by) || !strings.Contains(text, "erasures/000001.certificate") || !strings.Contains(text, "異常なし") {
		t.Error(text)
	}
	if text := must(t, "", "archive", "verify", dir, "--deep", "--data", data); !strings.Contains(text, "3 of its frames could be opened") {
		t.Errorf("the keys are there still: %s", text)
	}
	file, public := filepath.Join(dir, "erasures", "000001.certificate"), filepath.Join(dir, "archive.pub")
	if text := must(t, "", "erasure", "verify", file, "--key", public); !strings.Contains(text, "真正な証明書") {
		t.Error(text)
	}
	if text := must(t, "", "erasure", "verify", file); !strings.Contains(text, "archive.pub") {
		t.Error(text)
	}
	text, err := os.ReadFile(file)
	if err == nil {
		err = os.WriteFile(file, bytes.Replace(text, []byte("tottori"), []byte("nobody1"), 1), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	if text, err := run(t, "", "erasure", "verify", file, "--key", public); err == nil {
		t.Errorf("it was altered: %s", text)
	}
	if text, err := run(t, "", "archive", "verify", dir); err == nil || !strings.Contains(text, "改変 edited\terasures/000001.certificate") {
		t.Errorf("%v: %s", err, text)
	}
	if text, err := run(t, "", "erasure", "list", "--data", data); err == nil {
		t.Errorf("there is no register: %s", text)
	}
	s, err := erasure.Open(t.Context(), erasure.Config{Path: filepath.Join(data, app.ErasureFile), Now: time.Now})
	if err == nil {
		err = s.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	object(t, must(t, "", "erasure", "list", "--data", data, "--json"), "erasures", "holds")
	if text := must(t, "", "erasure", "list", "--data", data); !strings.HasPrefix(text, "number") {
		t.Error(text)
	}
}

// certified puts a certificate into the archive of a data folder; the keys stay.
func certified(t *testing.T, data string) error {
	t.Helper()
	cfg := app.DefaultConfig()
	cfg.Data = data
	files := cfg.ArchiveFiles()
	keys, err := files.OpenKeys()
	if err != nil {
		return err
	}
	sign, err := archive.LoadOrMakeSigner(files.Sign)
	if err != nil {
		return err
	}
	now := time.Date(2026, 12, 2, 9, 0, 0, 0, time.UTC)
	a, err := archive.Open(archive.Config{Dir: files.Dir, Keys: keys, Sign: sign, Now: func() time.Time { return now }, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		return err
	}
	defer a.Close()
	_, err = a.Certify(archive.Certificate{
		Request: "1", Municipality: "312011", Month: "2026-11", Reason: "x",
		Requested: archive.Act{At: now, By: "kanri", Side: "prefecture"}, Approved: archive.Act{At: now, By: "tottori", Side: "312011"}, Begun: now, Ended: now,
	})
	return err
}
