package app

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"mimamori/archive"
	"mimamori/frame"
)

func TestWhatCollectorsSendIsArchivedByDefault(t *testing.T) {
	p := startPrefecture(t)
	m := p.enrolled("town-a")
	path := filepath.Join(m.dir, "app.log")
	write(t, path, []byte(strings.Repeat("a line of a town\n", 3000)))
	m.run()
	p.order("town-a", fileOrder(path))
	stored := func() (n uint64) {
		for _, e := range p.Status().Entries {
			n += e.Stored
		}
		return n
	}
	eventually(t, "every line is stored", func() bool { return stored() == 3000 })
	m.stop()
	p.stop()
	files := p.cfg.ArchiveFiles()
	keys, err := files.OpenKeys()
	if err != nil {
		t.Fatal(err)
	}
	r, err := archive.Verify(t.Context(), archive.Check{Dir: files.Dir, Keys: keys})
	if err != nil || !r.Whole() || !r.Complete() || r.Opened == 0 || r.Opened != r.Frames {
		t.Fatalf("%+v %v", r, err)
	}
	lines := uint64(0)
	err = archive.Frames(files.Dir, keys, archive.Selection{}, func(_ archive.Entry, f *frame.Frame) error {
		if f.Source == "app" {
			lines += uint64(f.Count)
		}
		return nil
	}, func(_ archive.Entry, err error) error { return err })
	if err != nil || lines != 3000 {
		t.Fatalf("%d lines, %v", lines, err)
	}
}

func TestConfigurationOfTheArchive(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "mimamori.yaml")
	load := func(text string) (Config, error) {
		write(t, path, []byte(text))
		return LoadConfig(path)
	}
	c, err := load("data: d\narchive: {dir: a, keys: /k, operator: o.key, copy: c}\n")
	if err != nil {
		t.Fatal(err)
	}
	want := Archive{Dir: filepath.Join(dir, "a"), Keys: "/k", Operator: filepath.Join(dir, "o.key"), Sign: filepath.Join(dir, "d", "archive.sign"), Copy: filepath.Join(dir, "c")}
	if got := c.ArchiveFiles(); got != want {
		t.Errorf("%+v", got)
	}
	if _, err := load("archive: {operator: age1nonsense}\n"); err == nil || !strings.Contains(err.Error(), "mimamori.yaml:1:21: ") {
		t.Error(err)
	}
	files := Archive{Keys: filepath.Join(dir, "keys"), Operator: filepath.Join(dir, "sealed.key")}
	write(t, files.Operator, []byte("age-encryption.org/v1\n"))
	if _, err := files.OpenKeys(); err == nil || !strings.Contains(err.Error(), "passphrase") {
		t.Error(err)
	}
	if _, err := os.Stat(files.Keys); err == nil {
		t.Error("a folder of keys was made although they can't be opened")
	}
}
