package console

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
)

//go:embed assets
var assetFiles embed.FS

// assets serves the embedded files under names that change with their content.
type assets struct {
	files map[string][]byte // by name
	hash  map[string]string
}

func loadAssets() (*assets, error) {
	a := &assets{map[string][]byte{}, map[string]string{}}
	entries, err := fs.ReadDir(assetFiles, "assets")
	if err != nil {
		return nil, fmt.Errorf("console: assets: %w", err)
	}
	for _, e := range entries {
		data, err := fs.ReadFile(assetFiles, path.Join("assets", e.Name()))
		if err != nil {
			return nil, fmt.Errorf("console: assets: %w", err)
		}
		sum := sha256.Sum256(data)
		a.files[e.Name()], a.hash[e.Name()] = data, hex.EncodeToString(sum[:6])
	}
	return a, nil
}

// url is the path of an asset, good for ever.
func (a *assets) url(name string) string { return "/assets/" + name + "?v=" + a.hash[name] }

// ServeHTTP serves one asset; the browser may keep what it asked for by its hash.
func (a *assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/assets/")
	data, ok := a.files[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", mime.TypeByExtension(path.Ext(name)))
	w.Header().Set("Cache-Control", "no-cache")
	if r.URL.Query().Get("v") == a.hash[name] {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	if _, err := w.Write(data); err != nil {
		return // the reader has gone
	}
}
