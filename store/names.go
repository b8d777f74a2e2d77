package store

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// newNames names segments that take the place of others together: born says when
// the youngest of those was written, 0: they are new. No name is given twice.
func (s *Store) newNames(born int64, n int) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serial++
	base := fmt.Sprintf("seg-%019d-%d", s.now().UnixNano(), s.serial)
	if born != 0 {
		base = fmt.Sprintf("seg-%019d-%019d-%d", born, s.now().UnixNano(), s.serial)
	}
	if n == 1 {
		return []string{base + ".parquet"}
	}
	var names []string
	for i := range n {
		names = append(names, fmt.Sprintf("%s-%dof%d.parquet", base, i+1, n))
	}
	return names
}

// newName names one segment.
func (s *Store) newName(born int64) string { return s.newNames(born, 1)[0] }

func isSegment(name string) bool {
	return strings.HasPrefix(name, "seg-") && strings.HasSuffix(name, ".parquet")
}

// maxGroup bounds the files of a group that a name may speak of.
const maxGroup = 1 << 16

// groupName is the name of a file that took the place of others together with more.
var groupName = regexp.MustCompile(`^(seg-.*-)([1-9][0-9]{0,5})of([1-9][0-9]{0,5})\.parquet$`)

// group lists the names of those that a segment came with, in order; nil when it
// came alone.
func group(name string) []string {
	m := groupName.FindStringSubmatch(name)
	if m == nil {
		return nil
	}
	n, err := strconv.Atoi(m[3])
	if err != nil || n > maxGroup {
		return nil
	}
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("%s%dof%d.parquet", m[1], i+1, n)
	}
	return names
}

// segmentNames lists a folder's segments, the oldest first, as they are at one
// moment: a folder that changes while it is read may show neither the old nor
// the new; two readings that agree show what was there between them.
func segmentNames(dir string) ([]string, error) {
	for last := []string(nil); ; {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return nil, fmt.Errorf("store: %w", err)
		}
		names := []string{}
		for _, e := range entries {
			if isSegment(e.Name()) && !e.IsDir() {
				names = append(names, e.Name())
			}
		}
		if last != nil && slices.Equal(last, names) {
			return names, nil
		}
		last = names
	}
}
