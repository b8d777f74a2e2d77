package rules

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

// tuning is what a site may change of how a rule counts.
func (r *Rule) tuning() string {
	var b strings.Builder
	if c := r.Correlate; c != nil {
		fmt.Fprint(&b, c.Count, c.Over, c.Within, c.Lateness, c.Learn)
	}
	if s := r.Suppress; s != nil {
		fmt.Fprint(&b, s.For)
		for _, f := range s.By {
			b.WriteString(" " + f.Name())
		}
	}
	return b.String()
}

// local tells people what a site may change, as it is: "low, test, count 50, within 5m0s".
func (r *Rule) local() string {
	s := r.Severity.String() + ", " + string(r.Status)
	if c := r.Correlate; c != nil {
		if len(c.Steps) == 0 {
			s += ", count " + c.Count.String()
		}
		if c.Over.Op != "" {
			s += ", over " + c.Over.String()
		}
		s += fmt.Sprintf(", within %s", c.Within)
	}
	if r.Suppress != nil {
		s += fmt.Sprintf(", suppressed for %s", r.Suppress.For)
	}
	return s
}

// effect is all that a site may change of a rule.
func (r *Rule) effect() string {
	s := r.Severity.String() + " " + string(r.Status) + " " + r.tuning() + r.macros
	for _, a := range r.Allow {
		if a.When == nil { // a mistake, which is told
			continue
		}
		s += fmt.Sprintf("\n%q %q %q %s %s", a.When.Source, a.Owner, a.Reason, a.Expires, a.Municipality)
	}
	return s
}

// settle gives a rule that a site changed its version, and what its state goes
// by: only what changes how it counts lets it begin anew. What a rule learned
// while it was in test it knows when it is stable.
func (r *Rule) settle(plain *Rule) {
	short := func(s string) string {
		h := sha256.Sum256([]byte(plain.Version + s))
		return hex.EncodeToString(h[:6])
	}
	r.Version, r.counted = plain.Version, plain.Version
	if e := r.effect(); e != plain.effect() {
		r.Version = short(e)
	}
	if t := r.tuning(); t != plain.tuning() {
		r.counted = short(t)
	}
}

// CountsLike tells whether two variants of a rule differ in severity and status at most.
func (r *Rule) CountsLike(o *Rule) bool { return r.counting() == o.counting() }

// counting is what a rule's state goes by, beside its id.
func (r *Rule) counting() string {
	if r.counted != "" {
		return r.counted
	}
	return r.Version
}
