package app

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"mimamori/ingest"
	"mimamori/internal/whole"
	"mimamori/soc"
	"mimamori/store"
)

// maxSealed bounds what is read of one sealed file besides segments.
const maxSealed = 1 << 30

// unsealing is one restore of a sealed backup.
type unsealing struct {
	by     sealer
	erased map[[2]string]*Erased
}

func (x *unsealing) lost(municipality, month string) *Erased {
	of := [2]string{municipality, month}
	if x.erased[of] == nil {
		x.erased[of] = &Erased{Municipality: municipality, Month: month}
	}
	return x.erased[of]
}

// sealedRestore makes a data folder of what opens, and lists what is erased.
func sealedRestore(ctx context.Context, from, data string, saved *Saved, by sealer) ([]Erased, error) {
	x := unsealing{by: by, erased: map[[2]string]*Erased{}}
	state := filepath.Join(from, filepath.Base(saved.Sealed.State))
	for _, databases := range []bool{false, true} {
		put := x.file
		if databases {
			put = x.database
		}
		if _, err := copyTree(ctx, state, data, databases, put); err != nil {
			return nil, fmt.Errorf("restore: %w", err)
		}
	}
	opened, err := store.OpenCopy(ctx, filepath.Join(from, "events"), filepath.Join(data, "events"), saved.Sealed.Copy.Groups, by)
	if err != nil {
		return nil, fmt.Errorf("restore: %w", err)
	}
	saved.Events = opened.Copied
	for _, p := range opened.Erased {
		x.lost(p.Municipality, p.Month).Events += p.Events
	}
	var out []Erased
	for _, e := range slices.SortedFunc(maps.Values(x.erased), func(a, b *Erased) int {
		return cmp.Or(strings.Compare(a.Municipality, b.Municipality), strings.Compare(a.Month, b.Month))
	}) {
		out = append(out, *e)
	}
	return out, nil
}

// open decrypts a file; nil once it is erased.
func (x *unsealing) open(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w", err)
	}
	defer f.Close()
	r, err := x.by.Open(f)
	if errors.Is(err, store.ErrErased) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	text, err := io.ReadAll(io.LimitReader(r, maxSealed))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return text, nil
}

// file brings back what is no database.
func (x *unsealing) file(_ context.Context, rel, from, to string) error {
	if filepath.ToSlash(rel) == checkpointPath {
		return x.checkpoint(from, to)
	}
	if strings.HasSuffix(rel, ageSuffix) && (filepath.Base(rel) == learnedFile || strings.HasPrefix(rel, evidencePrefix)) {
		return nil
	}
	return whole.Copy(from, to)
}

func (x *unsealing) checkpoint(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	learned, err := x.open(filepath.Join(filepath.Dir(from), learnedFile))
	if err != nil {
		return err
	}
	if learned == nil {
		x.lost("", "")
	} else if text, err = ingest.JoinState(text, learned); err != nil {
		return err
	}
	return whole.Bytes(to, text)
}

// database brings a database back, and the events that alerts keep into it.
func (x *unsealing) database(ctx context.Context, rel, from, to string) error {
	if err := whole.Copy(from, to); err != nil || rel != alertsFile {
		return err
	}
	return withAlerts(ctx, to, func(s *soc.Service) error {
		files, err := filepath.Glob(filepath.Join(filepath.Dir(from), evidencePrefix+"*"+ageSuffix))
		if err != nil {
			return fmt.Errorf("evidence: %w", err)
		}
		for _, path := range files {
			text, err := x.open(path)
			if err != nil {
				return err
			}
			if text == nil {
				of := strings.Split(strings.TrimSuffix(strings.TrimPrefix(filepath.Base(path), evidencePrefix), ageSuffix), "-")
				if n, err := strconv.ParseInt(of[len(of)-1], 10, 64); err == nil && len(of) == 4 {
					x.lost(of[0], of[1]+"-"+of[2]).Evidence += n
				}
				continue
			}
			var list []soc.Frozen
			if err := json.Unmarshal(text, &list); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			if err := s.ReturnEvidence(ctx, list); err != nil {
				return err
			}
		}
		return nil
	})
}
