package console

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"mimamori/event"
	"mimamori/internal/lang"
	"mimamori/soc"
)

// exportTime is the longest that a download takes, exportMost the most events in one.
const (
	exportTime = 10 * time.Minute
	exportMost = 1_000_000
)

// Download says what a download is made of.
type Download struct {
	Format string        // csv, ndjson or parquet
	Fields []event.Field // its columns; none: the usual ones
	BOM    bool          // CSV begins with a byte order mark
}

// Analysis answers with more than pages. Every method honours Query.Tenants.
type Analysis interface {
	// Export writes all matching events.
	Export(ctx context.Context, q event.Query, d Download, to io.Writer) (events int64, err error)
	// SQL answers one SELECT, the query's text. A mistake in it is a *lang.Error.
	SQL(ctx context.Context, q event.Query) (*event.Table, error)
	// Table writes an answer as CSV.
	Table(to io.Writer, t *event.Table) error
}

// audit notes that somebody took more than a page.
func (c *Console) audit(r *http.Request, v *view, what string, q event.Query, more ...slog.Attr) {
	attrs := append([]slog.Attr{
		slog.String("user", v.User.Name), slog.Any("tenants", q.Tenants), slog.String("text", q.Text), slog.Time("from", q.From), slog.Time("to", q.To),
	}, more...)
	c.log.LogAttrs(r.Context(), slog.LevelInfo, what, attrs...)
}

// columns reads field names joined by commas.
func columns(text string) (out []event.Field, err error) {
	for name := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == ' ' || r == '、' }) {
		f, err := event.FieldOf(name)
		if err != nil {
			return nil, &pageError{http.StatusBadRequest, "error.columns", err}
		}
		out = append(out, f)
	}
	return out, nil
}

// export sends all events of a search as a file, or says why not before it begins.
func (c *Console) export(w http.ResponseWriter, r *http.Request, v *view) error {
	p, q, err := c.newSearch(r, v)
	if err != nil {
		return err
	}
	params := r.URL.Query()
	d := Download{Format: params.Get("format"), BOM: params.Get("bom") != ""}
	types := map[string]string{"csv": "text/csv; charset=utf-8", "ndjson": "application/x-ndjson", "parquet": "application/vnd.apache.parquet"}
	if p.Err != nil || types[d.Format] == "" {
		return &pageError{http.StatusBadRequest, "error.invalid", errors.New("no search or format to export")}
	}
	if d.Fields, err = columns(p.Columns); err != nil {
		return err
	}
	q.Cursor, q.Limit = "", 1
	first, err := c.events.Search(r.Context(), q)
	if err != nil {
		return wrap("export", err)
	}
	if first.Total > exportMost {
		return &pageError{http.StatusRequestEntityTooLarge, "error.toomany", nil}
	}
	w.Header().Set("Content-Type", types[d.Format])
	w.Header().Set("Content-Disposition", `attachment; filename="mimamori-`+p.Span.From.UTC().Format("20060102T150405Z")+"."+d.Format+`"`)
	n, err := c.analysis.Export(r.Context(), q, d, w)
	c.audit(r, v, "export", q, slog.String("format", d.Format), slog.String("columns", p.Columns), slog.Int64("events", n), slog.Bool("whole", err == nil))
	if err != nil {
		c.log.Error("export ended early", "user", v.User.Name, "err", err)
		panic(http.ErrAbortHandler) // the browser sees that the file is cut
	}
	return nil
}

// sqlPage is what the page of statements shows.
type sqlPage struct {
	Q       string
	Span    span
	Problem string // why there is no answer
	Err     *lang.Error
	Line    string
	Caret   string
	Table   *event.Table
	Cells   [][]string
	Took    time.Duration
}

// sql answers a statement over the events that the reader may see.
func (c *Console) sql(w http.ResponseWriter, r *http.Request, v *view) error {
	params := r.URL.Query()
	p := &sqlPage{Q: strings.TrimSpace(params.Get("q")), Span: parseSpan(params, v.Now)}
	if len(p.Q) > maxSearch {
		return &pageError{status: http.StatusRequestEntityTooLarge, key: "error.toolong"}
	}
	if p.Q == "" {
		c.render(w, r, v, http.StatusOK, sqlTempl(v, p))
		return nil
	}
	q := event.Query{Text: p.Q, From: p.Span.From, To: p.Span.To, Tenants: v.User.Tenants()}
	began := time.Now()
	table, err := c.analysis.SQL(r.Context(), q)
	p.Took = time.Since(began)
	c.audit(r, v, "sql", q, slog.Bool("answered", err == nil))
	status := http.StatusOK
	switch {
	case errors.As(err, &p.Err):
		p.Line, p.Caret = caret(p.Err)
		status = http.StatusUnprocessableEntity
	case errors.Is(err, event.ErrTooLarge):
		p.Problem, status = v.T("sql.toolarge"), http.StatusUnprocessableEntity
	case err != nil:
		return wrap("sql", err)
	case params.Get("format") == "csv":
		w.Header().Set("Content-Type", "text/csv; charset=utf-8")
		w.Header().Set("Content-Disposition", `attachment; filename="mimamori-sql.csv"`)
		return wrap("sql", c.analysis.Table(w, table))
	default:
		p.Table = table
		for _, row := range table.Rows {
			cells := make([]string, len(row))
			for i, cell := range row {
				if cell != nil {
					cells[i] = cut(cell.Text(), 500)
				}
			}
			p.Cells = append(p.Cells, cells)
		}
	}
	c.render(w, r, v, status, sqlTempl(v, p))
	return nil
}

// kept is a search that the reader may open.
type kept struct {
	soc.Search
	URL    string
	Shared string // for whom, in words
	Mine   bool   // may be deleted by the reader
}

// kept lists the reader's searches.
func (c *Console) kept(r *http.Request, v *view) ([]kept, error) {
	list, err := c.soc.Searches(r.Context(), v.User)
	if err != nil {
		return nil, wrap("searches", err)
	}
	var out []kept
	for _, s := range list {
		k := kept{Search: s, URL: link("/search", "q", s.Text, "range", s.Span, "from", s.From, "to", s.To, "columns", s.Columns), Mine: s.Owner == v.User.Name || v.User.Role == soc.Admin}
		switch s.Shared {
		case "":
			k.Shared = v.T("kept.own")
		case soc.Everybody:
			k.Shared = v.T("kept.all")
		default:
			k.Shared = v.Town(s.Shared)
		}
		out = append(out, k)
	}
	return out, nil
}

// keep saves or deletes a search, and goes back to it.
func (c *Console) keep(w http.ResponseWriter, r *http.Request, v *view) error {
	if err := parseForm(r); err != nil {
		return err
	}
	f := r.PostForm
	back := link("/search", "q", f.Get("q"), "range", f.Get("range"), "from", f.Get("from"), "to", f.Get("to"), "columns", f.Get("columns"))
	var err error
	switch f.Get("do") {
	case "save":
		if _, err := columns(f.Get("columns")); err != nil {
			return err
		}
		err = c.soc.SaveSearch(r.Context(), v.User, soc.Search{
			Name: f.Get("name"), Shared: f.Get("shared"), Text: f.Get("q"), Span: f.Get("range"), From: f.Get("from"), To: f.Get("to"), Columns: f.Get("columns"),
		})
		if err == nil {
			c.setFlash(r, v.T("kept.saved", cut(strings.TrimSpace(f.Get("name")), 80)))
		}
	case "delete":
		var id int64
		if id, err = parseID(f.Get("id")); err == nil {
			err = c.soc.DeleteSearch(r.Context(), v.User, id)
		}
		if errors.Is(err, soc.ErrNotFound) {
			return errNotFound()
		}
		if err == nil {
			c.setFlash(r, v.T("kept.deleted"))
		}
	default:
		return &pageError{status: http.StatusBadRequest, key: "error.invalid"}
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, back, http.StatusSeeOther)
	return nil
}
