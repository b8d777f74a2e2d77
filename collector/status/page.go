package status

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"strings"
	"time"

	"mimamori/internal/care"
)

type certificate = care.Certificate

//go:embed page.html
var pageHTML string

//go:embed style.css
var styleCSS []byte

var pageTemplate = template.Must(template.New("page").Parse(pageHTML))

func style(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	_, _ = w.Write(styleCSS) // the browser has gone: nobody to tell
}

func (p *Page) page(w http.ResponseWriter, r *http.Request) {
	report := p.Report()
	var b strings.Builder
	if err := pageTemplate.Execute(&b, say(&report, speaker{english(r), p.cfg.Now()})); err != nil {
		p.cfg.Log.Error("status page", "err", err)
		http.Error(w, "the status page cannot be made; see the log", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = io.WriteString(w, b.String())
}

// english tells that the reader wants English: by ?lang=, else by what the
// browser prefers; Japanese where neither says so.
func english(r *http.Request) bool {
	if lang := r.URL.Query().Get("lang"); lang != "" {
		return lang == "en"
	}
	for part := range strings.SplitSeq(r.Header.Get("Accept-Language"), ",") {
		switch lang := strings.ToLower(strings.TrimSpace(part)); {
		case strings.HasPrefix(lang, "ja"):
			return false
		case strings.HasPrefix(lang, "en"):
			return true
		}
	}
	return false
}

func (p *Page) json(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	_ = e.Encode(p.Report())
}

// healthz is 200 while the collector can take lines, and 503 while it cannot.
func (p *Page) healthz(w http.ResponseWriter, _ *http.Request) {
	r := p.Report()
	if r.Sending == Full {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_, _ = fmt.Fprintln(w, r.Sending)
}

// Write prints a report as text, in English or Japanese.
func Write(to io.Writer, r *Report, inEnglish bool, now time.Time) error {
	w := say(r, speaker{inEnglish, now})
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n[%s] %s\n%s\n\n", w.Title, w.Labels[w.Level], w.Headline, w.Sub)
	if len(w.Todo) > 0 {
		fmt.Fprintf(&b, "%s\n", w.Labels["todo"])
		for i, t := range w.Todo {
			fmt.Fprintf(&b, "  %d. %s\n", i+1, t)
		}
		fmt.Fprintf(&b, "%s: %s\n\n", w.Labels["call"], w.Call)
	}
	for _, f := range w.Facts {
		fmt.Fprintf(&b, "%s: %s\n", f.Name, f.Value)
	}
	fmt.Fprintf(&b, "\n%s\n", w.Labels["sources"])
	for _, row := range w.Sources {
		fmt.Fprintf(&b, "  [%s] %s", w.Labels[row.Level], row.Cells[0].Value)
		for _, c := range row.Cells[1:] {
			fmt.Fprintf(&b, "  %s: %s", c.Name, c.Value)
		}
		if row.Note != "" {
			fmt.Fprintf(&b, "\n      %s: %s", w.Labels["note"], row.Note)
		}
		b.WriteByte('\n')
	}
	for i, c := range w.Certificates {
		if i == 0 {
			fmt.Fprintf(&b, "\n%s\n", w.Labels["certificates"])
		}
		fmt.Fprintf(&b, "  %s: %s\n", c.Name, c.Value)
	}
	if _, err := io.WriteString(to, plain(b.String())); err != nil {
		return fmt.Errorf("status: %w", err)
	}
	return nil
}

// plain takes control characters out of what came from outside, so that they
// do not reach the terminal.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' || r >= 0x7f && r < 0xa0 {
			return -1
		}
		return r
	}, s)
}
