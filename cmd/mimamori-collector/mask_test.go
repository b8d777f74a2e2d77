package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMaskShowsBeforeAfterAndWhy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sample.log")
	// The second line is CP932: 個人番号：１２３４５６７８９０１８
	text := "id=123456789018 at 202611221000 sessionid=123456789018\n" +
		"\x8C\xC2\x90\x6C\x94\xD4\x8D\x86\x81\x46\x82\x50\x82\x51\x82\x52\x82\x53\x82\x54\x82\x55\x82\x56\x82\x57\x82\x58\x82\x4F\x82\x50\x82\x57\n" +
		"nothing here\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := execute(t.Context(), t, "mask", "--explain", path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"1 行目 / line 1 (utf-8)", "2 行目 / line 2 (cp932)", "個人番号：１２３４", "個人番号：*mynumber-", "項目名が別の番号", "検査用数字が一致しない", "3 行中 2 行", "2 of 3 lines masked"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	out, err = execute(t.Context(), t, "mask", "--config", config(t, "mask: {mynumber: false, patterns: [{name: id, match: 'id=(\\d+) '}]}\n"), path)
	lines := strings.Split(out, "\n")
	if err != nil || len(lines) != 4 || !strings.HasPrefix(lines[0], "id=*id-") || lines[1] != strings.Split(text, "\n")[1] || lines[2] != "nothing here" {
		t.Errorf("%v\n%q", err, lines)
	}
	if _, err := execute(t.Context(), t, "mask", "--charset", "latin-1", path); err == nil || !strings.Contains(err.Error(), "cp932") {
		t.Errorf("%v", err)
	}
}
