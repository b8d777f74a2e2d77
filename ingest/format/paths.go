package format

import (
	"strings"

	"mimamori/event"
)

// pathSplitter sets a path and, beside it, what ECS takes from a path: name,
// directory, extension and drive letter for files, the name for processes.
func pathSplitter(target string) (func(p *Parser, v string), bool) {
	dot := strings.LastIndexByte(target, '.')
	if dot < 0 {
		return nil, false
	}
	fs, ok := lookups(target[:dot], target[dot:], ".name")
	if !ok {
		return nil, false
	}
	more, isFile := lookups(target[:dot], ".directory", ".extension", ".drive_letter")
	return func(p *Parser, v string) {
		p.x.Set(fs[0], event.String(v))
		slash := strings.LastIndexAny(v, `\/`)
		name := v[slash+1:]
		p.setText(fs[1], name)
		if !isFile {
			return
		}
		if slash > 0 {
			p.x.Set(more[0], event.String(v[:slash]))
		}
		if i := strings.LastIndexByte(name, '.'); i > 0 && i < len(name)-1 {
			p.x.Set(more[1], event.String(name[i+1:]))
		}
		if len(v) > 2 && v[1] == ':' && isLetter(v[0]) {
			p.x.Set(more[2], event.String(p.upper(v[:1])))
		}
	}, true
}

// hashSplitter reads SHA1=…,MD5=…,SHA256=…,IMPHASH=… as Sysmon writes it, below
// the target (process, file).
func hashSplitter(target string) (func(p *Parser, v string), bool) {
	fs, ok := lookups(target, ".hash.md5", ".hash.sha1", ".hash.sha256", ".pe.imphash")
	if !ok {
		return nil, false
	}
	return func(p *Parser, v string) {
		for one := range strings.SplitSeq(v, ",") {
			name, sum, _ := strings.Cut(strings.TrimSpace(one), "=")
			i := -1
			switch name {
			case "MD5":
				i = 0
			case "SHA1":
				i = 1
			case "SHA256":
				i = 2
			case "IMPHASH":
				i = 3
			}
			if i >= 0 && sum != "" && strings.Trim(sum, "0") != "" {
				p.x.Set(fs[i], event.String(p.lower(sum)))
			}
		}
	}, true
}

// registrySplitter reads HKLM\Software\…\Value over registry.*.
func registrySplitter(target string) (func(p *Parser, v string), bool) {
	fs, ok := lookups("registry", ".path", ".hive", ".key", ".value")
	if !ok || !strings.HasPrefix(target, "registry.") {
		return nil, false
	}
	return func(p *Parser, v string) {
		p.x.Set(fs[0], event.String(v))
		hive, rest, found := strings.Cut(v, `\`)
		if !found {
			return
		}
		p.setText(fs[1], hive)
		p.setText(fs[2], rest)
		if i := strings.LastIndexByte(rest, '\\'); i >= 0 {
			p.setText(fs[3], rest[i+1:])
		}
	}, true
}
