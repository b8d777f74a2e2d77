package console

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"mimamori/event"
	"mimamori/internal/lang"
)

const (
	pageEvents = 100
	barCount   = 60
	maxSearch  = 8 << 10 // bytes in the search box
)

// searchPage is what the search page shows.
type searchPage struct {
	Q      string
	Span   span
	Err    *lang.Error // a mistake in Q
	Caret  string      // blanks up to the mistake
	Line   string      // the line with the mistake
	Page   *event.Page // nil when Err
	Rows   []eventRow
	Bars   []bar
	Scale  string // what a bar of the histogram stands for
	Next   string // address of the next page
	First  string // address of the first page; "" when this is it
	Fields []fieldTop
	Town   bool // whether rows name their municipality

	Columns string // what a download has, as it was written
	Live    bool   // the answer is asked for again and again
	Kept    []kept // searches to open
}

// fieldTop is a field with its most frequent values.
type fieldTop struct {
	Field, Label string
	Values       []topValue
}

type topValue struct {
	Text, URL string
	Count     int64
	Percent   int
}

// bar is one bar of the histogram, in a box of 1000 by 100.
type bar struct {
	X, Width, Y, Height float64
	Title, URL          string
}

func (c *Console) search(w http.ResponseWriter, r *http.Request, v *view) error {
	live := r.URL.Path == "/search/live"
	if live { // a part of the page: its links are the page's
		page := *v.URL
		page.Path, v.URL = "/search", &page
	}
	p, q, err := c.newSearch(r, v)
	if err != nil {
		return err
	}
	if p.Kept, err = c.kept(r, v); err != nil {
		return err
	}
	if p.Err != nil {
		c.render(w, r, v, http.StatusUnprocessableEntity, searchTempl(v, p))
		return nil //nolint:nilerr // the page shows the mistake
	}
	var buckets []event.Bucket
	err = both(
		func() (err error) { p.Page, err = c.events.Search(r.Context(), q); return wrap("search", err) },
		func() (err error) {
			whole := q
			whole.Cursor = ""
			buckets, err = c.events.Histogram(r.Context(), whole, barCount)
			return wrap("histogram", err)
		})
	if err != nil {
		return err
	}
	if p.Page.Batch != nil {
		for i := range p.Page.Batch.Events {
			p.Rows = append(p.Rows, v.row(&p.Page.Batch.Events[i]))
		}
	}
	p.Bars, p.Scale = v.bars(buckets, p.Span)
	_, from, to := p.Span.params(true)
	if p.Page.Next != "" {
		p.Next = link("/search", "q", p.Q, "from", from, "to", to, "cursor", p.Page.Next)
	}
	if q.Cursor != "" {
		p.First = v.With()
	}
	if r.URL.Query().Get("fields") != "" {
		if p.Fields, err = c.tops(r.Context(), v, p, q); err != nil {
			return err
		}
	}
	if live {
		c.render(w, r, v, http.StatusOK, liveResult(v, p))
		return nil
	}
	c.render(w, r, v, http.StatusOK, searchTempl(v, p))
	return nil
}

// newSearch reads the parameters that all parts of the search page share.
func (c *Console) newSearch(r *http.Request, v *view) (*searchPage, event.Query, error) {
	params := r.URL.Query()
	p := &searchPage{
		Q: strings.TrimSpace(params.Get("q")), Span: parseSpan(params, v.Now), Town: v.Wide(),
		Columns: strings.TrimSpace(params.Get("columns")), Live: params.Get("live") != "" && params.Get("cursor") == "",
	}
	if len(p.Q) > maxSearch {
		return nil, event.Query{}, &pageError{status: http.StatusRequestEntityTooLarge, key: "error.toolong"}
	}
	if _, err := lang.ParseSearch(p.Q); err != nil {
		if !errors.As(err, &p.Err) {
			return nil, event.Query{}, wrap("search", err)
		}
		p.Line, p.Caret = caret(p.Err)
	}
	q := event.Query{Text: p.Q, From: p.Span.From, To: p.Span.To, Tenants: v.User.Tenants(), Limit: pageEvents, Cursor: params.Get("cursor")}
	return p, q, nil
}

// mistake says in the reader's language what is wrong with a condition.
func (v *view) mistake(e *lang.Error) string {
	key := "mistake." + e.Code
	if _, ok := v.texts[key]; !ok {
		return e.Msg
	}
	args := make([]any, len(e.Args))
	for i, a := range e.Args {
		args[i] = a
	}
	return v.T(key, args...)
}

// hint says what to write instead.
func (v *view) hint(e *lang.Error) string {
	if e.Code == "unknown-field" && len(e.Args) > 1 {
		return v.T("mistake.near", e.Args[1])
	}
	return e.Hint
}

// caret cuts the mistaken line at the mistake.
func caret(e *lang.Error) (line, before string) {
	lines := strings.Split(e.Text, "\n")
	if e.Line < 1 || e.Line > len(lines) {
		return e.Text, ""
	}
	runes := []rune(lines[e.Line-1])
	return string(runes), string(runes[:max(0, min(e.Col-1, len(runes)))])
}

// both runs two functions side by side and waits for them. A panic in one is
// an error here: it must not end the program.
func both(f, g func() error) error {
	var err1, err2 error
	var wg sync.WaitGroup
	wg.Go(func() { err1 = guarded(f) })
	wg.Go(func() { err2 = guarded(g) })
	wg.Wait()
	return errors.Join(err1, err2)
}

// bars draws buckets; a bar's link narrows the range to it. It also says in
// words what a bar stands for.
func (v *view) bars(buckets []event.Bucket, s span) ([]bar, string) {
	if len(buckets) == 0 || !s.From.Before(s.To) {
		return nil, ""
	}
	length := s.To.Sub(s.From)
	width := length / barCount
	var most int64 = 1
	for i, b := range buckets {
		most = max(most, b.Count)
		if i > 0 {
			if d := b.Start.Sub(buckets[i-1].Start); d > 0 && (i == 1 || d < width) {
				width = d
			}
		}
	}
	var out []bar
	for _, b := range buckets {
		if b.Count <= 0 || b.Start.Add(width).Before(s.From) || !b.Start.Before(s.To) {
			continue
		}
		from, to := b.Start, b.Start.Add(width)
		x := 1000 * max(0, float64(from.Sub(s.From))/float64(length))
		end := 1000 * min(1, float64(to.Sub(s.From))/float64(length))
		height := max(3, 100*float64(b.Count)/float64(most))
		out = append(out, bar{
			X: x, Width: max(1, end-x-1.5), Y: 100 - height, Height: height,
			Title: v.T("search.bar", v.Abs(from), v.Abs(to), v.Num(b.Count)),
			URL:   v.With("live", "", "range", "", "from", formatMoment(from), "to", formatMoment(to)),
		})
	}
	return out, v.T("search.scale", v.Span(width), v.Num(most))
}

// topFields are the fields whose values the search page counts.
func topFields(wide bool) []string {
	list := []string{"event.dataset", "event.action", "source.ip", "destination.ip", "destination.port", "user.name", "zone", "quarantine"}
	if wide {
		return append([]string{"municipality"}, list...)
	}
	return list
}

func (c *Console) searchFields(w http.ResponseWriter, r *http.Request, v *view) error {
	p, q, err := c.newSearch(r, v)
	if err != nil {
		return err
	}
	if p.Err != nil {
		w.WriteHeader(http.StatusNoContent)
		return nil //nolint:nilerr // the page itself shows the mistake
	}
	q.Cursor = ""
	if p.Fields, err = c.tops(r.Context(), v, p, q); err != nil {
		return err
	}
	c.render(w, r, v, http.StatusOK, fieldsTempl(v, p))
	return nil
}

// tops asks for the values of each field, two at a time.
func (c *Console) tops(ctx context.Context, v *view, p *searchPage, q event.Query) ([]fieldTop, error) {
	q.Cursor, q.Limit = "", 0
	names := topFields(p.Town)
	counts := make([][]event.Count, len(names))
	run := func(start int) func() error {
		return func() (err error) {
			for i := start; i < len(names); i += 2 {
				if counts[i], err = c.events.Top(ctx, q, names[i], 6); err != nil {
					return wrap("top values of "+names[i], err)
				}
			}
			return nil
		}
	}
	if err := both(run(0), run(1)); err != nil {
		return nil, err
	}
	var out []fieldTop
	for i, name := range names {
		if len(counts[i]) > 0 {
			out = append(out, v.fieldTop(p, name, counts[i]))
		}
	}
	return out, nil
}

func (v *view) fieldTop(p *searchPage, name string, counts []event.Count) fieldTop {
	f := fieldTop{Field: name, Label: v.fieldLabel(name)}
	var most int64 = 1
	for _, n := range counts {
		most = max(most, n.Count)
	}
	preset, from, to := p.Span.params(false)
	for _, n := range counts {
		t := topValue{Text: v.fieldText(name, n.Value), Count: n.Count, Percent: int(100 * n.Count / most)}
		if text, ok := narrow(p.Q, name, n.Value, false); ok {
			t.URL = link("/search", "q", text, "range", preset, "from", from, "to", to)
		}
		f.Values = append(f.Values, t)
	}
	return f
}

// fieldLabel is a field's name in plain words, "" when there is none.
func (v *view) fieldLabel(name string) string {
	if label := v.T("field." + name); label != "field."+name {
		return label
	}
	return ""
}

// fieldText is a value as a person reads it.
func (v *view) fieldText(name, value string) string {
	switch {
	case name == "municipality":
		return v.Town(value)
	case name == "zone" || strings.HasSuffix(name, ".zone") && event.ValidZone(value):
		return v.Zone(value)
	}
	return value
}

// eventURL is the address of one event.
func eventURL(ref event.Ref, more ...string) string {
	return link("/event", append([]string{"c", ref.Collector, "s", ref.Source, "e", strconv.FormatUint(ref.Epoch, 10), "n", strconv.FormatUint(ref.Seq, 10)}, more...)...)
}

// around is the address of a search for what happened before and after a moment
// in a municipality.
func around(code string, t time.Time) string {
	q := ""
	if code != "" {
		q = "municipality == " + strconv.Quote(code)
	}
	return link("/search", "q", q, "from", formatMoment(t.Add(-5*time.Minute).Truncate(time.Second)), "to", formatMoment(t.Add(5*time.Minute).Truncate(time.Second)))
}
