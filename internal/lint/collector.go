package lint

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
)

// listed is what go list says of one package.
type listed struct {
	ImportPath string
	Standard   bool
	CgoFiles   []string
	Error      *struct{ Err string }
}

// cgoReached lists the reasons why a package cannot be built for a platform
// without cgo: packages on its way that need cgo, or that do not build at all.
// It asks go list and builds nothing.
func cgoReached(ctx context.Context, root, pkg, goos, goarch string) ([]string, error) {
	var reasons []string
	for _, cgo := range []string{"0", "1"} {
		cmd := exec.CommandContext(ctx, "go", "list", "-e", "-deps", "-json=ImportPath,Standard,CgoFiles,Error", pkg)
		cmd.Dir = root
		cmd.Env = append(os.Environ(), "CGO_ENABLED="+cgo, "GOOS="+goos, "GOARCH="+goarch)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		text, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("go list %s: %w: %s", pkg, err, stderr.Bytes())
		}
		dec := json.NewDecoder(bytes.NewReader(text))
		for {
			var p listed
			if err := dec.Decode(&p); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				return nil, fmt.Errorf("go list %s: %w", pkg, err)
			}
			switch {
			case cgo == "0" && p.Error != nil:
				reasons = append(reasons, p.ImportPath+": "+strings.TrimSpace(p.Error.Err))
			case cgo == "1" && !p.Standard && len(p.CgoFiles) > 0:
				reasons = append(reasons, p.ImportPath+" uses cgo: take its import out of the collector's way")
			}
		}
	}
	return reasons, nil
}
