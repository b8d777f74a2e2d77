package format

import (
	"slices"
	"strings"
	"time"
)

// transforms from text to text, by the name that `as` gives them.
var textTransforms = map[string]func(p *Parser, v string) string{
	"lower": (*Parser).lower,
	"upper": (*Parser).upper,
	"trim":  func(_ *Parser, v string) string { return strings.Trim(v, " \t\r\n\"'") },
	"guid":  func(_ *Parser, v string) string { return strings.Trim(v, "{}") },
	"first": func(_ *Parser, v string) string {
		if i := strings.IndexAny(v, " ,;\t\n"); i > 0 {
			return v[:i]
		}
		return v
	},
	"host": func(_ *Parser, v string) string {
		if host, port := cutPort(v); port != "" || strings.HasPrefix(v, "[") {
			return host
		}
		return v
	},
	"parens": func(_ *Parser, v string) string {
		if i := strings.IndexByte(v, '('); i >= 0 {
			if j := strings.IndexByte(v[i:], ')'); j > 1 {
				return v[i+1 : i+j]
			}
		}
		return ""
	},
	"mail": func(_ *Parser, v string) string { // Name <a@b>
		if i := strings.LastIndexByte(v, '<'); i >= 0 {
			if j := strings.IndexByte(v[i:], '>'); j > 1 {
				return v[i+1 : i+j]
			}
		}
		return v
	},
	"whole":    func(_ *Parser, v string) string { i, _, _ := strings.Cut(v, "."); return i },
	"duration": (*Parser).duration,
	"basename": func(_ *Parser, v string) string { return v[strings.LastIndexAny(v, `\/`)+1:] },
	"mac":      (*Parser).mac,
	"percent":  (*Parser).percent,
	"labels":   (*Parser).labels,
	"fqdn":     func(_ *Parser, v string) string { return strings.TrimSuffix(v, ".") },
	"domain":   func(_ *Parser, v string) string { return v[strings.LastIndexByte(v, '@')+1:] },
	"unwrap": func(_ *Parser, v string) string {
		if n := len(v); n > 1 && unwraps[v[0]] == v[n-1] && v[n-1] != 0 {
			return v[1 : n-1]
		}
		return v
	},
	"form":     (*Parser).form,
	"short":    func(_ *Parser, v string) string { return shortName(v) },
	"hex":      (*Parser).unhex,
	"sockaddr": (*Parser).sockaddr,
	"bytes":    (*Parser).byteList,
	"program":  func(_ *Parser, v string) string { return program(v) },
	"utc": func(p *Parser, v string) string { // a time in UTC that does not say so
		return p.arena.keep(append(append(p.arena.room(len(v)+1), v...), 'Z'))
	},
}

// unwraps are the pairs that unwrap takes away.
var unwraps = [256]byte{'<': '>', '[': ']', '(': ')', '{': '}', '"': '"', '\'': '\''}

// splitters spread one value over several fields; the argument is the name of
// the target.
var splitters = map[string]func(target string) (func(p *Parser, v string), bool){
	"url": urlSplitter, "path": pathSplitter, "account": accountSplitter, "hostport": hostportSplitter, "hashes": hashSplitter,
	"registry": registrySplitter, "addresses": addressesSplitter,
}

// transform is one change of a text, with the name that `as` gives it.
type transform struct {
	name string
	do   func(*Parser, string) string
}

// transforms is what `as` asks for.
type transforms struct {
	chain []transform
	unit  time.Duration
	split func(*Parser, string)
}

func (c *compiler) transforms(name string, to node, s *mapSpec) (out transforms, err *Error) {
	for _, as := range s.as {
		if t := textTransforms[as]; t != nil {
			out.chain = append(out.chain, transform{as, t})
		} else if u := units[as]; u != 0 {
			out.unit = u
		} else if sp := splitters[as]; sp != nil {
			var ok bool
			if out.split, ok = sp(name); !ok {
				return out, to.fail("`as: %s` does not go with the field %s", as, name)
			}
		} else {
			return out, s.asAt.fail("unknown transform %q (known: %s)", as, strings.Join(transformNames(), ", "))
		}
	}
	return out, nil
}

// checkTable sees to it that a categorisation field gets values that ECS allows
// only: from a table that says what becomes of any other value.
func (c *compiler) checkTable(name string, to node, s *mapSpec) *Error {
	if _, ok := s.table["*"]; !ok {
		return to.fail("%s takes few values: map it by a table with \"*\" (\"\" for none)", name)
	}
	for _, v := range s.table {
		if v != "" {
			if err := to.allowed(name, v); err != nil {
				return err
			}
		}
	}
	return nil
}

func transformNames() []string {
	var names []string
	for n := range textTransforms {
		names = append(names, n)
	}
	for n := range units {
		names = append(names, n)
	}
	for n := range splitters {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}
