package console

import (
	"errors"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"time"

	"mimamori/event"
	"mimamori/soc"
)

// alertPage is one alert whole.
type alertPage struct {
	soc.Alert
	Evidence []evidenceRow
	Note     string // what was typed when the change could not be made
	Problem  string
}

// evidenceRow is one event that made the alert fire.
type evidenceRow struct {
	eventRow
	Ref              event.Ref
	Original, Around string
}

func (c *Console) alert(w http.ResponseWriter, r *http.Request, v *view) error {
	return c.showAlert(w, r, v, http.StatusOK, alertPage{})
}

// showAlert renders the alert of the path; p carries what a failed change leaves.
func (c *Console) showAlert(w http.ResponseWriter, r *http.Request, v *view, status int, p alertPage) error {
	var err error
	if p.Alert, err = c.soc.Alert(r.Context(), r.PathValue("id"), v.User.Tenants()); err != nil {
		return err
	}
	if err := c.loadPeople(r, v); err != nil {
		return err
	}
	for _, e := range p.Events {
		row := evidenceRow{Ref: e.Ref}
		ev, err := c.proof(r, v, e)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			row.eventRow = eventRow{Summary: v.T("alert.evidence.gone")}
		case err != nil:
			c.log.Error("evidence can't be read", "alert", p.Label(), "err", err)
			row.eventRow, row.Original = eventRow{Summary: v.T("alert.unreadable"), URL: eventURL(e.Ref)}, string(e.JSON)
		default:
			row.eventRow, row.Original = v.row(ev), first(ev, "event.original", "message")
			if !row.Time.IsZero() {
				row.Around = around(str(ev, "municipality"), row.Time)
			}
		}
		p.Evidence = append(p.Evidence, row)
	}
	c.render(w, r, v, status, alertTempl(v, &p))
	return nil
}

// proof is the event that an alert keeps, or names.
func (c *Console) proof(r *http.Request, v *view, e event.Evidence) (*event.Event, error) {
	batch := &event.Batch{}
	if len(e.JSON) == 0 {
		var err error
		if batch, err = c.finder.Get(r.Context(), e.Ref, v.User.Tenants()); err != nil {
			return nil, err
		}
	} else {
		builder := &event.Builder{}
		if err := builder.Decode(e.JSON); err != nil {
			return nil, err
		}
		batch.Append(builder, e.Ref)
	}
	return &batch.Events[0], nil
}

// changeAlert applies what a button of the alert's page asks for.
func (c *Console) changeAlert(w http.ResponseWriter, r *http.Request, v *view) error {
	if err := parseForm(r); err != nil {
		return err
	}
	revision, _ := strconv.ParseInt(r.PostFormValue("revision"), 10, 64) // 0 is never the current one
	ch := soc.Change{ID: r.PathValue("id"), Tenants: v.User.Tenants(), By: v.User.Name, Revision: revision, Note: r.PostFormValue("note")}
	done := ""
	name, none := v.User.Name, ""
	switch r.PostFormValue("do") {
	case "acknowledge":
		ch.State, done = soc.Acknowledged, "done.acknowledge"
	case "assign":
		ch.Assignee, done = &name, "done.assign"
		if r.PostFormValue("state") == string(soc.New) {
			ch.State = soc.Acknowledged
		}
	case "release":
		ch.Assignee, done = &none, "done.release"
	case "start":
		ch.State, ch.Assignee, done = soc.InProgress, &name, "done.start"
	case "close":
		ch.State, ch.Resolution, done = soc.Closed, soc.Resolution(r.PostFormValue("resolution")), "done.close"
	case "reopen":
		ch.State, ch.Assignee, done = soc.InProgress, &name, "done.reopen"
	case "note":
		done = "done.note"
	default:
		return &pageError{status: http.StatusBadRequest, key: "error.invalid"}
	}
	err := c.soc.Change(r.Context(), ch)
	left := alertPage{Note: ch.Note}
	switch {
	case errors.Is(err, soc.ErrConflict), errors.Is(err, soc.ErrTransition):
		left.Problem = v.T("alert.conflict")
		return c.showAlert(w, r, v, http.StatusConflict, left)
	case errors.Is(err, soc.ErrInvalid):
		left.Problem = v.T("alert.incomplete")
		return c.showAlert(w, r, v, http.StatusUnprocessableEntity, left)
	case err != nil:
		return err
	}
	c.setFlash(r, v.T(done))
	http.Redirect(w, r, "/alerts/"+r.PathValue("id"), http.StatusSeeOther)
	return nil
}

// entryText says what one step of the history was.
func (v *view) entryText(e soc.Entry) string {
	var parts []string
	switch {
	case e.From == "":
		parts = append(parts, v.T("history.detected"))
	case e.From != e.To && e.To == soc.Closed:
		parts = append(parts, v.T("history.closed", v.T("resolution."+string(e.Resolution))))
	case e.From == soc.Closed && e.To != soc.Closed:
		parts = append(parts, v.T("history.reopened"))
	case e.From != e.To:
		parts = append(parts, v.T("history."+string(e.To)))
	}
	if e.Assignee != nil {
		switch *e.Assignee {
		case "":
			parts = append(parts, v.T("history.released"))
		case e.By:
			parts = append(parts, v.T("history.took"))
		default:
			parts = append(parts, v.T("history.assigned", v.Person(*e.Assignee)))
		}
	}
	if len(parts) == 0 {
		parts = append(parts, v.T("history.noted"))
	}
	return strings.Join(parts, v.T("list.comma"))
}

// alertAge is how long the alert has waited, in words.
func (v *view) alertAge(a *soc.Alert) string {
	switch {
	case a.State == soc.New:
		return v.T("alert.waiting", v.Span(max(0, v.Now.Sub(a.Created))))
	case a.State == soc.Closed:
		return v.T("alert.took", v.Span(max(0, a.Closed.Sub(a.Created))))
	}
	return v.T("alert.seen", v.Span(max(0, a.Acknowledged.Sub(a.Created))))
}

// happened says when and how often, in words.
func (v *view) happened(a *soc.Alert) string {
	if a.Count == 0 { // nothing has come: that is what it tells
		return v.T("alert.happened.nothing", v.Abs(a.Start), v.Span(max(0, a.End.Sub(a.Start))))
	}
	if d := a.End.Sub(a.Start); d >= time.Second {
		return v.T("alert.happened.span", v.Abs(a.Start), v.Span(d), v.Num(a.Count))
	}
	return v.T("alert.happened.once", v.Abs(a.Start), v.Num(a.Count))
}

// keyText is an alert's group key in plain words: "host.name=JUMIN-07
// user.name=sato" becomes 端末 JUMIN-07、利用者 sato. Parts whose field has no
// plain name stay as they are.
func (v *view) keyText(key string) string {
	var parts []string
	for word := range strings.FieldsSeq(key) {
		name, value, ok := strings.Cut(word, "=")
		if text := v.T("subject." + name + "." + value); ok && text != "subject."+name+"."+value {
			parts = append(parts, text)
			continue
		}
		if text := v.T("subject."+name, value); ok && text != "subject."+name {
			parts = append(parts, text)
			continue
		}
		if _, known := event.Lookup(name); !ok || !known {
			if len(parts) > 0 { // a value with blanks in it
				parts[len(parts)-1] += " " + word
			} else {
				parts = append(parts, word)
			}
			continue
		}
		if label := v.fieldLabel(name); label != "" {
			word = label + " " + v.fieldText(name, value)
		}
		parts = append(parts, word)
	}
	return strings.Join(parts, v.T("list.comma"))
}
