// Package s3 keeps an archive's finished files in an object store that speaks
// S3. An object is there whole or not at all; large files go in parts. With a
// lock nobody can change or remove them before its time, not even the prefecture.
//
// A call that fails is tried again some times, with growing waits; then Put
// returns an error, and the archive tries again at its next step. Memory is
// bounded by the size of a part.
package s3

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

const partSize = 16 << 20

// Config says where the store is.
type Config struct {
	Endpoint  string // host or host:port
	Bucket    string // which must be there, made with object lock where Lock is used
	Prefix    string // before the names, "" or with a slash at its end
	Region    string
	Access    string
	Secret    string
	Insecure  bool              // HTTP, for a store on this machine
	Lock      time.Duration     // how long objects can't be changed or removed (compliance mode); 0 is no lock
	Retries   int               // of one call; 0 is 10
	Now       func() time.Time  // the clock
	Transport http.RoundTripper // nil for the ordinary one
}

// Bucket is a sink of archive files.
type Bucket struct {
	cfg    Config
	client *minio.Client
}

// Open makes a client. It does not connect yet.
func Open(cfg Config) (*Bucket, error) {
	if cfg.Transport == nil {
		t, err := minio.DefaultTransport(!cfg.Insecure)
		if err != nil {
			return nil, fmt.Errorf("s3: %w", err)
		}
		cfg.Transport = t
	}
	c, err := minio.New(cfg.Endpoint, &minio.Options{
		Creds: credentials.NewStaticV4(cfg.Access, cfg.Secret, ""), Secure: !cfg.Insecure, Region: cfg.Region,
		Transport: settled{cfg.Transport}, MaxRetries: cfg.Retries, BucketLookup: minio.BucketLookupAuto,
	})
	if err != nil {
		return nil, fmt.Errorf("s3: %w", err)
	}
	return &Bucket{cfg, c}, nil
}

// Put keeps a file under name.
func (b *Bucket) Put(ctx context.Context, name, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("s3: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil && info.IsDir() {
		err = fs.ErrInvalid
	}
	if err != nil {
		return fmt.Errorf("s3: %s: %w", path, err)
	}
	o := minio.PutObjectOptions{ContentType: "application/octet-stream", PartSize: partSize, SendContentMd5: true, DisableContentSha256: true}
	if b.cfg.Lock > 0 {
		o.Mode, o.RetainUntilDate = minio.Compliance, b.cfg.Now().Add(b.cfg.Lock).UTC()
	}
	if _, err := b.client.PutObject(ctx, b.cfg.Bucket, b.cfg.Prefix+name, f, info.Size(), o); err != nil {
		return fmt.Errorf("s3: %s/%s: %w", b.cfg.Bucket, b.cfg.Prefix+name, err)
	}
	return nil
}

// Names lists what is there.
func (b *Bucket) Names(ctx context.Context) (map[string]bool, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	out := map[string]bool{}
	var errs []error
	for o := range b.client.ListObjects(ctx, b.cfg.Bucket, minio.ListObjectsOptions{Prefix: b.cfg.Prefix, Recursive: true}) {
		if o.Err != nil {
			errs = append(errs, fmt.Errorf("s3: %s: %w", b.cfg.Bucket, o.Err))
			continue
		}
		out[strings.TrimPrefix(o.Key, b.cfg.Prefix)] = true
	}
	return out, errors.Join(errs...)
}
