package rules

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"mimamori/internal/calendar"
)

func changeTo(s Status, towns ...string) Change {
	return Change{At: time.Date(2026, 11, 22, 18, 0, 0, 0, calendar.JST()), By: "sato", Status: s, Municipalities: towns, Why: "見てみる: a \"look\" #1"}
}

const (
	noteAll   = `  - {at: 2026-11-22T18:00:00+09:00, by: "sato", status: stable, why: "見てみる: a \"look\" #1"}` + "\n"
	noteTown  = `  - {at: 2026-11-22T18:00:00+09:00, by: "sato", status: test, municipalities: ["131016"], why: "見てみる: a \"look\" #1"}` + "\n"
	noteTowns = `  - {at: 2026-11-22T18:00:00+09:00, by: "sato", status: test, municipalities: ["131016", "131024"], why: "見てみる: a \"look\" #1"}` + "\n"
)

func TestRolloutChangesAFewWordsOnly(t *testing.T) {
	for _, c := range []struct {
		was   string
		do    Change
		is    string
		fails bool
	}{
		{was: "", do: changeTo(Stable), is: "status: stable\nchanges:\n" + noteAll},
		{was: "# 都の決まり\n", do: changeTo(InTest, "131016", "131024"), is: "# 都の決まり\nmunicipalities:\n  \"131016\": {status: test}\n  \"131024\": {status: test}\nchanges:\n" + noteTowns},
		{was: "severity: low # 静か\nstatus: 'draft' # yet", do: changeTo(Stable), is: "severity: low # 静か\nstatus: stable # yet\nchanges:\n" + noteAll},
		{was: "status: draft\n\n# who did what\nchanges: # all\n" + noteTown + "# end\n", do: changeTo(InTest, "131016"), is: "status: draft\n\nmunicipalities:\n  \"131016\": {status: test}\n# who did what\nchanges: # all\n" + noteTown + noteTown + "# end\n"},
		{
			was: "municipalities:\n    '131016': # the capital\n        # at night\n        severity: low\n    131024: {severity: high}   # loud\n    \"131032\": {}\nallow: []\n",
			do:  changeTo(InTest, "131016", "131024"),
			is:  "municipalities:\n    '131016': # the capital\n        # at night\n        severity: low\n        status: test\n    131024: {status: test, severity: high}   # loud\n    \"131032\": {}\nallow: []\nchanges:\n" + noteTowns,
		},
		{was: "municipalities: {\"131024\": {status: draft}}\nchanges: []\n", do: changeTo(InTest, "131016", "131024"), is: "municipalities: {\"131016\": {status: test}, \"131024\": {status: test}}\nchanges: [" + strings.TrimSpace(noteTowns)[2:] + "]\n"},
		{
			was: "municipalities:\n  \"131016\": {status: test, severity: low}\n  \"131024\": {status: deprecated} # never there\n  \"131032\":\n", do: changeTo(Stable),
			is: "municipalities:\n  \"131016\": {status: stable, severity: low}\n  \"131024\": {status: deprecated} # never there\n  \"131032\":\nstatus: stable\nchanges:\n" + noteAll,
		},
		{was: "municipalities:\n  \"131016\":\n", do: changeTo(InTest, "131016"), is: "municipalities:\n  \"131016\": {status: test}\nchanges:\n" + noteTown},
		{was: "severity: low\r\n", do: changeTo(Stable), is: strings.ReplaceAll("severity: low\nstatus: stable\nchanges:\n"+noteAll, "\n", "\r\n")},
		{was: "{severity: low}\n", do: changeTo(Stable), fails: true},
		{was: "changes: [{at: 2026-11-22T18:00:00+09:00, by: a, status: test, why: b}]\n", do: changeTo(Stable), fails: true},
	} {
		got, err := Rollout("overrides/a.yaml", []byte(c.was), c.do)
		if c.fails != errors.Is(err, ErrRollout) || string(got) != c.is {
			t.Errorf("%q\ngot  %q\nwant %q\n%v", c.was, got, c.is, err)
		}
	}
	for _, bad := range []Change{{By: "a", Why: " "}, {By: "a\nb", Why: "c"}, {By: "a", Why: strings.Repeat("w", maxWhy+1)}, {By: "\xff", Why: "c"}} {
		if _, err := Rollout("overrides/a.yaml", nil, bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	if _, err := Rollout("overrides/a.yaml", []byte("severity: [\n"), changeTo(Stable)); err == nil || !strings.HasPrefix(err.Error(), "overrides/a.yaml:1:") {
		t.Errorf("a mistake without its place: %v", err)
	}
}

// TestRolloutsKeepWhatOthersWrote: after any number of them each municipality
// has its newest status, every change is on record, and no comment is lost.
func TestRolloutsKeepWhatOthersWrote(t *testing.T) {
	pieces := []string{
		"severity: low # 静かに\n", "# before allow\nallow:\n  - {when: has(user.name), owner: sato, reason: 'a # b'} # agreed\n", "correlate: {count: 7} # seven\n",
		"municipalities: # towns\n  # first\n  \"131016\": {severity: high} # one\n\n  '131024':\n    severity: low # two\n    correlate:\n      within: 2h # two hours\n  # none more\n",
		"\n# at last\n", "status: draft # not yet\n",
	}
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.Permutation(pieces).Draw(t, "pieces")[:rapid.IntRange(0, len(pieces)).Draw(t, "n")], "")
		plain := "id: r\ntitle: {en: r}\nwhen: has(event.action)\ncorrelate: {count: 3, by: [municipality], within: 60s}\n"
		want := map[string]Status{}
		all := Stable
		if strings.Contains(text, "status: draft") {
			all = Draft
		}
		n := rapid.IntRange(1, 5).Draw(t, "changes")
		for range n {
			c := changeTo(rapid.SampledFrom([]Status{Draft, InTest, Stable}).Draw(t, "status"), rapid.SampledFrom([][]string{nil, {"131016"}, {"131024", "131032"}}).Draw(t, "towns")...)
			next, err := Rollout("overrides/r.yaml", []byte(text), c)
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			for line := range strings.SplitSeq(text, "\n") {
				if at := strings.Index(line, "# "); at >= 0 && !strings.Contains(string(next), line[at:]) {
					t.Fatalf("%q was lost of\n%s\nin\n%s", line, text, next)
				}
			}
			if len(c.Municipalities) == 0 {
				all = c.Status
				clear(want)
			}
			for _, code := range c.Municipalities {
				want[code] = c.Status
			}
			text = string(next)
		}
		r := overridden(t, strings.SplitN(plain, "\n", 4)[3], text).Get("r")
		for _, code := range testTowns {
			expect, own := want[code]
			if !own {
				expect = all
			}
			if got := r.In(code).Status; got != expect {
				t.Fatalf("%q is %s, want %s\n%s", code, got, expect, text)
			}
		}
		if len(r.Changes) != n || r.Changes[0].By != "sato" || r.Changes[0].Why != changeTo(Stable).Why {
			t.Fatalf("%d changes of %d: %+v", len(r.Changes), n, r.Changes)
		}
	})
}

// FuzzRollout: whatever a file says, a change is in it afterwards and nothing
// else differs, or it is refused.
func FuzzRollout(f *testing.F) {
	f.Add("severity: low # x\nmunicipalities:\n  \"131016\": {severity: low}\nchanges: []\n", true)
	f.Add("# only this", false)
	f.Add("{a: {b: [c]}}", true)
	f.Fuzz(func(t *testing.T, text string, town bool) {
		c := changeTo(InTest)
		if town {
			c.Municipalities = []string{"131016"}
		}
		got, err := Rollout("a.yaml", []byte(text), c)
		if err != nil {
			return
		}
		before, after := &editor{decoder: newDecoder("a.yaml", []byte(text))}, &editor{decoder: newDecoder("a.yaml", got)}
		if err := errors.Join(before.parse(), after.parse()); err != nil {
			t.Fatal(err)
		}
		was := map[string]any{}
		if before.root != nil {
			was = before.root.plain().(map[string]any)
		}
		is := after.root.plain().(map[string]any)
		for key, value := range was {
			if key != "status" && key != "municipalities" && key != "changes" && !reflect.DeepEqual(is[key], value) {
				t.Fatalf("%s: %v became %v", key, value, is[key])
			}
		}
	})
}
