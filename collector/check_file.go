package collector

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"time"
	"unicode"

	"mimamori/frame"
)

// checkFiles checks the keys of an input that reads files.
func checkFiles(in *Input) *problem {
	if len(in.Paths) == 0 {
		return &problem{".paths", "paths: an input of type file needs at least one path", "such as paths: [/var/log/squid/access.log]"}
	}
	for i, p := range in.Paths {
		if !isGlob(p) {
			return &problem{fmt.Sprintf(".paths[%d]", i), fmt.Sprintf("paths: %q is no path and no glob", p), "brackets must be closed"}
		}
	}
	for i, p := range in.Exclude {
		if !isGlob(p) {
			return &problem{fmt.Sprintf(".exclude[%d]", i), fmt.Sprintf("exclude: %q is no path and no glob", p), "brackets must be closed"}
		}
	}
	switch {
	case in.Start != "" && in.Start != "beginning" && in.Start != "end":
		return &problem{".start", fmt.Sprintf("start: %q is no place to begin", in.Start), "use beginning or end"}
	case in.Multiline != nil && in.CSV != nil:
		return &problem{".csv", "csv: multiline is set too", "rows of CSV may hold line ends; remove multiline"}
	case in.Multiline != nil:
		return in.Multiline.problem()
	case in.CSV != nil:
		return in.CSV.problem()
	}
	return nil
}

func isGlob(s string) bool {
	_, err := filepath.Match(s, "x")
	return err == nil && s != ""
}

func (m *Multiline) problem() *problem {
	if p := expression(".multiline.begin", m.Begin); p != nil {
		return p
	}
	if p := expression(".multiline.continue", m.Continue); p != nil {
		return p
	}
	switch {
	case (m.Begin == "") == (m.Continue == ""):
		return &problem{".multiline", "multiline: it needs begin or continue, one of them", `such as begin: '^\d{4}-\d\d-\d\d '`}
	case m.MaxLines < 0 || m.MaxLines > 100_000:
		return &problem{".multiline.max_lines", fmt.Sprintf("max_lines: %d is out of range", m.MaxLines), "use 1 to 100000"}
	case m.MaxBytes != 0 && m.MaxBytes < 1<<10 || m.MaxBytes > frame.MaxLine:
		return &problem{".multiline.max_bytes", fmt.Sprintf("max_bytes: %s is out of range", m.MaxBytes), "use 1KiB to 1MiB"}
	case m.Timeout != 0 && m.Timeout < 100*time.Millisecond || m.Timeout > time.Hour:
		return &problem{".multiline.timeout", fmt.Sprintf("timeout: %s is out of range", m.Timeout), "use 100ms to 1h"}
	}
	return nil
}

func (c *CSV) problem() *problem {
	if p := expression(".csv.header", c.Header); p != nil {
		return p
	}
	for key, s := range map[string]string{"delimiter": c.Delimiter, "quote": c.Quote} {
		if s != "" && (len(s) != 1 || s[0] > unicode.MaxASCII || s[0] < ' ' && s[0] != '\t') {
			return &problem{".csv." + key, fmt.Sprintf("%s: %q is not one ASCII character", key, s), `such as "," or "\t"`}
		}
	}
	s := newCSVShape(c)
	switch {
	case c.Preamble < 0 || c.Preamble > 1000:
		return &problem{".csv.preamble", fmt.Sprintf("preamble: %d is out of range", c.Preamble), "use 0 to 1000 lines"}
	case c.Header != "" && (c.Preamble != 0 || c.Headerless):
		return &problem{".csv.header", "header: the header is told in another way too", "set one of header, preamble and headerless"}
	case s.delimiter == s.quote:
		return &problem{".csv", "csv: delimiter and quote are the same", "use two characters"}
	}
	return nil
}

// expression checks an RE2, which may be empty.
func expression(path, re string) *problem {
	_, err := regexp.Compile(re)
	if err == nil {
		return nil
	}
	key := path[strings.LastIndexByte(path, '.')+1:]
	return &problem{path, fmt.Sprintf("%s: %v", key, err), "write it between single quotes, in the syntax of RE2"}
}
