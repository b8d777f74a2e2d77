package console

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"mimamori/soc"
	"mimamori/soc/erasure"
)

// erasurePage is the register of erasures: what the reader may see of it, and do.
type erasurePage struct {
	Erasures  []erasure.Erasure
	Holds     []erasure.Hold
	Standings []erasure.Standing
	Journal   []erasure.Entry
	Towns     []string // that the reader may decide on
	Wait      time.Duration
	Problem   string
	status    int // of the answer
}

// journalShown is how many acts the page lists.
const journalShown = 50

func (c *Console) erasures(w http.ResponseWriter, r *http.Request, v *view) error {
	return c.showErasures(w, r, v, &erasurePage{status: http.StatusOK})
}

func (c *Console) showErasures(w http.ResponseWriter, r *http.Request, v *view, p *erasurePage) error {
	if c.erasure == nil {
		return errNotFound()
	}
	ctx := r.Context()
	var err error
	if p.Erasures, err = c.erasure.List(ctx, v.User); err != nil {
		return err
	}
	if p.Holds, err = c.erasure.Holds(ctx, v.User); err != nil {
		return err
	}
	if p.Standings, err = c.erasure.Standings(ctx, v.User); err != nil {
		return err
	}
	if p.Journal, err = c.erasure.Journal(ctx, v.User, journalShown); err != nil {
		return err
	}
	p.Wait, p.Towns = c.erasure.Wait(), c.decidable(v)
	if err := c.loadPeople(r, v); err != nil {
		return err
	}
	c.render(w, r, v, p.status, erasureTempl(v, p))
	return nil
}

// decidable lists the municipalities on whose logs the reader may decide.
func (c *Console) decidable(v *view) []string {
	var out []string
	for _, code := range c.towns.Codes() {
		m, _ := c.towns.Get(code)
		if v.Side(code) != "" && m.Name != "" {
			out = append(out, code)
		}
	}
	return out
}

// erasureFact tells on the first page that somebody waits for the reader.
func (c *Console) erasureFact(r *http.Request, v *view, o *overview) error {
	if c.erasure == nil {
		return nil
	}
	list, err := c.erasure.List(r.Context(), v.User)
	n := 0
	for i := range list {
		if v.Decides(&list[i]) && (o.Town == "" || o.Town == list[i].Municipality) {
			n++
		}
	}
	if n > 0 {
		o.Facts = append(o.Facts, fact{v.T("fact.erasures", n), "/erasure", ""})
	}
	return err
}

// certificate downloads what was signed when an erasure was done.
func (c *Console) certificate(w http.ResponseWriter, r *http.Request, v *view) error {
	id, err := parseID(r.PathValue("id"))
	if c.erasure == nil || err != nil {
		return errNotFound()
	}
	_, text, err := c.erasure.Certificate(r.Context(), v.User, id)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="erasure-`+v.plain(id)+`.certificate.txt"`)
	_, err = w.Write(text)
	return wrap("certificate", err)
}

// Side is for whom the reader speaks where a municipality is concerned, "" for
// nobody.
func (v *view) Side(municipality string) string {
	of, err := erasure.Side(v.User, municipality)
	if err != nil {
		return ""
	}
	return of
}

// SideName is what a person calls a side.
func (v *view) SideName(of string) string {
	if of == erasure.Prefecture {
		return v.T("erasure.prefecture")
	}
	return v.Town(of)
}

// Decides tells whether an erasure waits for the reader's decision.
func (v *view) Decides(e *erasure.Erasure) bool {
	of := v.Side(e.Municipality)
	return e.State == erasure.Requested && of != "" && of != e.Requested.Side && v.User.Name != e.Requested.By
}

// Withdraws tells whether the reader may still stop an erasure.
func (v *view) Withdraws(e *erasure.Erasure) bool {
	return (e.State == erasure.Requested || e.State == erasure.Approved) && v.Side(e.Municipality) != ""
}

// Consents lists the municipalities for which the reader may approve a standing
// approval.
func (v *view) Consents(p *erasure.Standing) []string {
	towns := v.User.Municipalities
	if p.Municipality != "" {
		towns = []string{p.Municipality}
	}
	var out []string
	for _, code := range towns {
		of := v.Side(code)
		if of != "" && of != p.Requested.Side && v.User.Name != p.Requested.By && p.Ended.IsZero() && !p.Stands(code) {
			out = append(out, code)
		}
	}
	return out
}

// Revokes lists what of a standing approval the reader may end: "" is all of it.
func (v *view) Revokes(p *erasure.Standing) []string {
	switch {
	case !p.Ended.IsZero():
		return nil
	case v.User.Role == soc.Admin, p.Municipality != "" && v.Side(p.Municipality) != "":
		return []string{p.Municipality}
	}
	return slices.DeleteFunc(slices.Clone(v.User.Municipalities), func(code string) bool { return !p.Stands(code) })
}

// Next says what an erasure waits for, or what became of it.
func (v *view) Next(e *erasure.Erasure, wait time.Duration) string {
	switch {
	case e.State == erasure.Running && e.Held:
		return v.T("erasure.next.heldrunning")
	case e.State == erasure.Running && e.Trouble != "":
		return v.T("erasure.next.trouble", e.Tries, v.Abs(e.Retry), e.Trouble)
	case e.State == erasure.Approved && e.Held:
		return v.T("erasure.next.heldapproved", v.Span(wait))
	case e.State == erasure.Requested && e.Held:
		return v.T("erasure.next.heldrequested")
	case e.State == erasure.Approved:
		return v.T("erasure.next.approved", v.Abs(e.Due))
	case e.State == erasure.Requested && v.Decides(e):
		return v.T("erasure.next.you")
	case e.State == erasure.Requested && e.Requested.Side == erasure.Prefecture:
		return v.T("erasure.next.requested", v.Town(e.Municipality))
	case e.State == erasure.Requested:
		return v.T("erasure.next.requested", v.T("erasure.prefecture"))
	case e.State == erasure.Refused, e.State == erasure.Withdrawn:
		return v.T("erasure.next."+string(e.State), v.Person(e.EndedBy), e.Note)
	}
	return v.T("erasure.next." + string(e.State))
}

// confirmation is what a person types to confirm: the municipality's code and
// the month, or the age.
func confirmation(municipality, what string) string { return municipality + " " + what }

// Act names what was done, or was refused.
func (v *view) Act(what string) string {
	if tried, refused := strings.CutPrefix(what, "refused:"); refused {
		return v.T("erasure.act.denied", v.T("erasure.act."+tried))
	}
	return v.T("erasure.act." + what)
}

// ActDetail is what the journal says besides: why it was refused, in words.
func (v *view) ActDetail(e *erasure.Entry) string {
	if strings.HasPrefix(e.What, "refused:") {
		return v.T("erasure.no." + e.Detail)
	}
	return e.Detail
}
