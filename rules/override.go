package rules

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// Overrides is the folder, below a folder of rules, that holds what a site
// changed in them: <id>.yaml with some of severity, status, suppress, allow
// (its entries are added), correlate (count, over, within, lateness, learn),
// municipalities (a mapping from codes to what differs there: all of these but
// allow) and changes (see Change). A folder, so that whoever brings the rules up
// to date can leave it alone as a whole, and one look tells what is local.
const Overrides = "overrides"

// local is one file of overrides.
type local struct {
	*decoder
	rule  *Rule // what it changes
	plain *Rule // the same as its file says
	towns ypair // what differs in municipalities; no value: nothing
}

// isOverride tells whether a file of rules is an override of one.
func isOverride(name string) bool { return path.Base(path.Dir(name)) == Overrides }

// override applies the files of overrides to the rules of the set. What holds
// everywhere goes first, whichever file it is in: municipalities differ from that.
func (s *Set) override(files []file) error {
	var errs []error
	var list []*local
	changed := map[string]*local{}
	for _, f := range files {
		data, err := f.read()
		if err != nil {
			return err
		}
		id, _, _ := strings.Cut(path.Base(f.name), ".")
		l := &local{decoder: newDecoder(f.String(), data)}
		l.macros = s.macros
		if first := changed[id]; first != nil {
			l.rule, l.plain = first.rule, first.plain
		} else if i := slices.IndexFunc(s.rules, func(r *Rule) bool { return r.ID == id }); i >= 0 {
			l.plain, l.rule = s.rules[i], new(Rule)
			*l.rule = *l.plain // the one in parsed stays
			s.rules[i], changed[id] = l.rule, l
		} else {
			errs = append(errs, &Error{File: f.String(), Line: 1, Col: 1, Msg: fmt.Sprintf("there is no rule %s to override", id), Hint: "delete the file if the rule is gone"})
			continue
		}
		l.everywhere()
		list = append(list, l)
	}
	for _, l := range list {
		l.rule.settle(l.plain)
	}
	for _, l := range list {
		l.inTowns()
	}
	for _, l := range list {
		l.oneWay()
		errs = append(errs, l.joined())
	}
	return errors.Join(errs...)
}

func newDecoder(name string, data []byte) *decoder {
	return &decoder{file: name, src: normal(data), macros: &macros{}}
}

// everywhere reads the file and applies what holds in all municipalities.
func (l *local) everywhere() {
	root, err := parseYAML(l.src)
	if err != nil {
		l.fail(err.Line, err.Col, err.Hint, "%s", err.Msg)
		return
	}
	r := l.rule
	readers := l.changesOf(r)
	readers["allow"] = func(p ypair) { r.Allow = append(r.Allow[:len(r.Allow):len(r.Allow)], l.allow(p)...) }
	readers["municipalities"] = func(p ypair) { l.towns = p }
	readers["changes"] = func(p ypair) {
		r.Changes = append(r.Changes[:len(r.Changes):len(r.Changes)], l.changes(p)...)
		slices.SortStableFunc(r.Changes, func(a, b Change) int { return a.At.Compare(b.At) })
	}
	l.keys(root, "an override", readers)
	r.calls = append(r.calls[:len(r.calls):len(r.calls)], l.calls...)
	r.macros = l.macros.text(r.calls)
}
