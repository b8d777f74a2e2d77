package rules

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// ErrRollout says that a change could not be put into a file of overrides word
// by word, so that all else in it stays.
var ErrRollout = errors.New("written in a way that only a person can change")

// maxWhy bounds the texts of a change.
const maxWhy = 1000

// Rollout writes a change of status into the text of a file of overrides, which
// may be empty: for the municipalities of the change, or for all. Everything
// else stays as it stands, comments too, and the change is added to changes. For
// all means also those that have a status of their own, but not where it is
// deprecated, which is no step on the way.
//
// What comes out is read again and compared; where that is not what was meant,
// the answer is ErrRollout. The mistakes of the text come back as of Load.
func Rollout(name string, text []byte, c Change) ([]byte, error) {
	for _, s := range []string{c.By, c.Why} {
		if strings.TrimSpace(s) == "" || len(s) > maxWhy || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
			return nil, fmt.Errorf("rules: by whom and why: a line of text each, at most %d bytes, not %q", maxWhy, s)
		}
	}
	e := &editor{decoder: newDecoder(name, text)}
	if err := e.parse(); err != nil {
		return nil, err
	}
	want := map[string]any{}
	if e.root != nil {
		want, _ = e.root.plain().(map[string]any)
	}
	for _, path := range c.paths(want) {
		e.set(path, string(c.Status))
		put(want, path, string(c.Status))
	}
	e.add("changes", c.line())
	list, _ := want["changes"].([]any)
	want["changes"] = append(list, c.plain())
	if e.wrong != nil || !reflect.DeepEqual(e.root.plain(), any(want)) {
		return nil, errors.Join(fmt.Errorf("%s is %w: write the status and the change into it by hand", name, ErrRollout), e.wrong)
	}
	if strings.Contains(string(text), "\r\n") {
		return []byte(strings.ReplaceAll(e.src, "\n", "\r\n")), nil
	}
	return []byte(e.src), nil
}

// paths are the keys under which the change is written.
func (c *Change) paths(said map[string]any) (out [][]string) {
	towns, _ := said["municipalities"].(map[string]any)
	if len(c.Municipalities) == 0 {
		out = append(out, []string{"status"})
		for _, code := range slices.Sorted(maps.Keys(towns)) {
			town, _ := towns[code].(map[string]any)
			if own, has := town["status"]; has && own != string(Deprecated) {
				out = append(out, []string{"municipalities", code, "status"})
			}
		}
	}
	for _, code := range c.Municipalities {
		out = append(out, []string{"municipalities", code, "status"})
	}
	return out
}

// put sets a value in nested maps, as the text's editor does in the text.
func put(m map[string]any, path []string, value string) {
	for _, key := range path[:len(path)-1] {
		next, ok := m[key].(map[string]any)
		if !ok {
			next = map[string]any{}
			m[key] = next
		}
		m = next
	}
	m[path[len(path)-1]] = value
}

// line writes the change as YAML.
func (c *Change) line() string {
	towns := ""
	if len(c.Municipalities) > 0 {
		towns = `, municipalities: ["` + strings.Join(c.Municipalities, `", "`) + `"]`
	}
	return "{at: " + c.At.Format(time.RFC3339) + ", by: " + strconv.Quote(c.By) + ", status: " + string(c.Status) + towns + ", why: " + strconv.Quote(c.Why) + "}"
}

// plain is what the line says.
func (c *Change) plain() map[string]any {
	m := map[string]any{"at": c.At.Format(time.RFC3339), "by": c.By, "status": string(c.Status), "why": c.Why}
	if len(c.Municipalities) > 0 {
		var codes []any
		for _, code := range c.Municipalities {
			codes = append(codes, code)
		}
		m["municipalities"] = codes
	}
	return m
}
