package console

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"time"

	"mimamori/event"
)

// eventPage is one event whole.
type eventPage struct {
	eventRow
	Ref      event.Ref
	Original string
	Why      []string // why no format could read it
	Fields   []eventField
	Around   string // search for what happened before and after
	Panel    bool   // inside a list
}

// eventField is one field of an event, with searches that ask for its value
// and against it; "" where there is none.
type eventField struct {
	Name, Label, Text, More, Less string
}

func (c *Console) event(w http.ResponseWriter, r *http.Request, v *view) error {
	q := r.URL.Query()
	epoch, err1 := strconv.ParseUint(q.Get("e"), 10, 64)
	seq, err2 := strconv.ParseUint(q.Get("n"), 10, 64)
	if err1 != nil || err2 != nil {
		return errNotFound()
	}
	ref := event.Ref{Collector: q.Get("c"), Source: q.Get("s"), Epoch: epoch, Seq: seq}
	batch, err := c.finder.Get(r.Context(), ref, v.User.Tenants())
	if err != nil {
		return wrap("event", err)
	}
	if batch == nil || len(batch.Events) == 0 {
		return errNotFound()
	}
	p := v.eventPage(&batch.Events[0])
	if r.Header.Get("HX-Request") != "" {
		p.Panel = true
		c.render(w, r, v, http.StatusOK, eventTempl(v, p))
		return nil
	}
	c.render(w, r, v, http.StatusOK, eventPageTempl(v, p))
	return nil
}

func (v *view) eventPage(e *event.Event) *eventPage {
	p := &eventPage{eventRow: v.row(e), Ref: e.Ref, Original: str(e, "event.original")}
	if q, ok := get(e, "quarantine"); ok {
		p.Why = q.List()
	}
	if p.Original == "" {
		p.Original = str(e, "message")
	}
	for f, value := range e.All {
		name := f.Name()
		if name == "event.original" || name == "quarantine" {
			continue
		}
		row := eventField{Name: name, Label: v.fieldLabel(name), Text: v.fieldText(name, value.Text())}
		if value.Kind() == event.Date {
			row.Text = v.Abs(time.Unix(0, value.Int())) + " JST"
		}
		if l := value.List(); value.Kind() != event.List || len(l) == 1 {
			row.More = narrowed("", name, value.Text(), false, p.Time)
			row.Less = narrowed("", name, value.Text(), true, p.Time)
		}
		p.Fields = append(p.Fields, row)
	}
	slices.SortFunc(p.Fields, func(a, b eventField) int { return cmp.Compare(a.Name, b.Name) })
	if !p.Time.IsZero() {
		p.Around = around(str(e, "municipality"), p.Time)
	}
	return p
}

// narrowed is the address of a search for a field's value on the day around t.
func narrowed(q, field, value string, exclude bool, t time.Time) string {
	text, ok := narrow(q, field, value, exclude)
	if !ok {
		return ""
	}
	if t.IsZero() {
		return link("/search", "q", text)
	}
	return link("/search", "q", text, "from", formatMoment(t.Add(-12*time.Hour).Truncate(time.Second)), "to", formatMoment(t.Add(12*time.Hour).Truncate(time.Second)))
}
