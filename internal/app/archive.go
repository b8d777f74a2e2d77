package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"mimamori/archive"
	"mimamori/archive/s3"
	"mimamori/ingest"
)

// Archive says where frames are kept as they came. What is "" is in the data
// folder.
type Archive struct {
	Off        bool   `yaml:"off"`        // keep none
	Dir        string `yaml:"dir"`        // folder of the archive; default DATA/archive
	Keys       string `yaml:"keys"`       // folder of the data keys, apart from it; default DATA/archive-keys
	Operator   string `yaml:"operator"`   // age1…, or a key file, made when missing; default DATA/archive.key
	Passphrase string `yaml:"passphrase"` // file with the passphrase of the key file; "" for none
	Sign       string `yaml:"sign"`       // file of the key that signs, made when missing; default DATA/archive.sign
	Copy       string `yaml:"copy"`       // folder on another disk for what is finished; "" for none
	S3         S3     `yaml:"s3"`         // object store for what is finished; copy or this
}

// S3 says where an object store is.
type S3 struct {
	Endpoint string `yaml:"endpoint"` // host or host:port, over TLS; "" for none
	Bucket   string `yaml:"bucket"`
	Prefix   string `yaml:"prefix"` // such as pref/
	Region   string `yaml:"region"`
	Access   string `yaml:"access"` // id of the access key
	Secret   string `yaml:"secret"` // file that holds its secret
	Lock     string `yaml:"lock"`   // how long an object can't be changed or removed: 3650d; "" is no lock
}

// isRecipient tells whether an operator's key is written as its public half.
func isRecipient(s string) bool { return strings.HasPrefix(s, "age1") }

func (c *Config) checkArchive() (string, error) {
	if isRecipient(c.Archive.Operator) {
		if _, err := archive.Recipient(c.Archive.Operator); err != nil {
			return "$.archive.operator", err
		}
	}
	if c.Archive.S3.Endpoint == "" {
		return "", nil
	}
	if c.Archive.Copy != "" {
		return "$.archive.copy", errors.New("copy and s3 are both second places: name one of them")
	}
	if c.Archive.S3.Bucket == "" || c.Archive.S3.Secret == "" {
		return "$.archive.s3", errors.New("an object store needs bucket, access and secret (a file)")
	}
	if c.Archive.S3.Lock == "" {
		return "", nil
	}
	_, err := parseAge(c.Archive.S3.Lock)
	return "$.archive.s3.lock", err
}

// sink opens the second place; nil for none.
func (a *Archive) sink(now func() time.Time) (archive.Sink, error) {
	if a.S3.Endpoint == "" && a.Copy == "" {
		return nil, nil //nolint:nilnil // none is wanted
	}
	if a.Copy != "" {
		return archive.Folder(a.Copy), nil
	}
	secret, err := os.ReadFile(a.S3.Secret)
	if err != nil {
		return nil, fmt.Errorf("archive: s3: %w", err)
	}
	var lock time.Duration
	if a.S3.Lock != "" {
		if lock, err = parseAge(a.S3.Lock); err != nil {
			return nil, err
		}
	}
	return s3.Open(s3.Config{
		Endpoint: a.S3.Endpoint, Bucket: a.S3.Bucket, Prefix: a.S3.Prefix, Region: a.S3.Region,
		Access: a.S3.Access, Secret: strings.TrimSpace(string(secret)), Lock: lock, Now: now,
	})
}

// archivePaths are the archive's files in the configuration, which are relative
// to its file.
func (c *Config) archivePaths() []*string {
	a := &c.Archive
	out := []*string{&a.Dir, &a.Keys, &a.Passphrase, &a.Sign, &a.Copy, &a.S3.Secret}
	if !isRecipient(a.Operator) {
		out = append(out, &a.Operator)
	}
	return out
}

// ArchiveFiles fills in where the archive's files are by default.
func (c *Config) ArchiveFiles() Archive {
	a := c.Archive
	for path, name := range map[*string]string{&a.Dir: "archive", &a.Keys: "archive-keys", &a.Operator: "archive.key", &a.Sign: "archive.sign"} {
		if *path == "" {
			*path = filepath.Join(c.Data, name)
		}
	}
	return a
}

// OpenKeys opens the data keys with the operator's key.
func (a *Archive) OpenKeys() (*archive.Keys, error) {
	var operator *archive.Age
	var err error
	if isRecipient(a.Operator) {
		operator, err = archive.Recipient(a.Operator)
	} else {
		operator, err = archive.LoadOrMakeOperator(a.Operator, a.secret)
	}
	if err != nil {
		return nil, err
	}
	return archive.OpenKeys(a.Keys, operator)
}

// secret reads the passphrase of the key file.
func (a *Archive) secret() (string, error) {
	if a.Passphrase == "" {
		return "", errors.New("archive: the key file is protected by a passphrase: name a file that holds it (archive.passphrase, --passphrase)")
	}
	text, err := os.ReadFile(a.Passphrase)
	if err != nil {
		return "", fmt.Errorf("archive: passphrase: %w", err)
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}

func (a *App) openArchive(context.Context) error {
	if a.cfg.Archive.Off {
		a.log.Warn("the archive is off: frames are not kept, and events can't be proved or read again from them")
		return a.openOldKeys()
	}
	files := a.cfg.ArchiveFiles()
	keys, err := files.OpenKeys()
	if err != nil {
		return err
	}
	a.keys = keys
	sign, err := archive.LoadOrMakeSigner(files.Sign)
	if err != nil {
		return err
	}
	cfg := archive.Config{Dir: files.Dir, Keys: keys, Sign: sign, Now: a.now, Log: a.log}
	if cfg.Sink, err = files.sink(a.now); err != nil {
		return err
	}
	if a.archive, err = archive.Open(cfg); err != nil {
		return err
	}
	a.keys = keys
	a.onClose("archive", a.archive.Close)
	return nil
}

// openOldKeys opens the data keys of an archive that is off by now, for erasure.
func (a *App) openOldKeys() (err error) {
	dir := a.cfg.ArchiveFiles().Keys
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	a.keys, err = archive.OpenKeys(dir, nil)
	return err
}

// runArchive moves and signs until ctx ends.
func (a *App) runArchive(ctx context.Context) error {
	if a.archive == nil {
		<-ctx.Done()
		return nil
	}
	return a.archive.Run(ctx)
}

// archiver lets ingest archive frames; nil where the archive is off.
func (a *App) archiver() ingest.Archive {
	if a.archive == nil {
		return nil
	}
	return frames{a.archive}
}

// frames speaks ingest's words for arrivals.
type frames struct{ archive *archive.Archive }

// Append keeps frames.
func (f frames) Append(ctx context.Context, list []ingest.Arrival) error {
	out := make([]archive.Arrival, len(list))
	for i, x := range list {
		out[i] = archive.Arrival(x)
	}
	return f.archive.Append(ctx, out)
}
