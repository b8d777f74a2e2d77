package erasure

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"mimamori/internal/calendar"
	"mimamori/soc"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	tottori = "312011"
	yonago  = "312029"
)

var october = Scope{tottori, "2026-10"}

// people are accounts by name.
type people map[string]soc.User

func (p people) User(_ context.Context, name string) (soc.User, error) {
	u, ok := p[name]
	if !ok {
		return u, fmt.Errorf("user %q: %w", name, soc.ErrNotFound)
	}
	return u, nil
}

func staff() people {
	p := people{}
	for _, u := range []soc.User{
		{Name: "kanri", Role: soc.Admin},
		{Name: "kanri2", Role: soc.Admin},
		{Name: "yameta", Role: soc.Admin, Disabled: true},
		{Name: "bunseki", Role: soc.Analyst},
		{Name: "tottori", Role: soc.Municipality, Municipalities: []string{tottori}},
		{Name: "tottori2", Role: soc.Municipality, Municipalities: []string{tottori}},
		{Name: "yonago", Role: soc.Municipality, Municipalities: []string{yonago}},
		{Name: "kouiki", Role: soc.Municipality, Municipalities: []string{tottori, yonago}},
		{Name: "tottori-off", Role: soc.Municipality, Municipalities: []string{tottori}, Disabled: true},
	} {
		p[u.Name] = u
	}
	return p
}

// errCrash ends the program in a test: nothing after it is done.
var errCrash = errors.New("kill -9")

// world is what survives the program: places, archive, files.
type world struct {
	t            testing.TB
	path         string
	now          time.Time
	users        people
	held         map[string]map[Scope]int64 // by place: what can be read there
	certificates []Account
	log          []string // places in the order they were asked
	step         func(what string) error
	before       func(place string, s Scope) // looks at each call
	service      *Service
}

func newWorld(t testing.TB, places ...string) *world {
	t.Helper()
	w := &world{
		t: t, path: filepath.Join(t.TempDir(), "erasure.db"), users: staff(), held: map[string]map[Scope]int64{},
		now: time.Date(2026, 11, 22, 10, 0, 0, 0, calendar.JST()), step: func(string) error { return nil }, before: func(string, Scope) {},
	}
	for _, p := range places {
		w.held[p] = map[Scope]int64{}
	}
	for _, town := range []string{tottori, yonago} {
		for _, month := range []string{"2026-08", "2026-09", "2026-10", "2026-11"} {
			for _, p := range places {
				w.held[p][Scope{town, month}] = 10
			}
		}
	}
	w.open(places)
	t.Cleanup(func() { w.service.Close() })
	return w
}

func (w *world) open(names []string) {
	w.t.Helper()
	cfg := Config{Path: w.path, Users: w.users, Archive: vouch{w}, Now: func() time.Time { return w.now }, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	for _, n := range names {
		cfg.Places = append(cfg.Places, &spot{w, n})
	}
	var err error
	if w.service, err = Open(context.Background(), cfg); err != nil {
		w.t.Fatal(err)
	}
}

// restart is a new program over the same files.
func (w *world) restart() {
	w.t.Helper()
	var names []string
	for _, p := range w.service.cfg.Places {
		names = append(names, p.Name())
	}
	if err := w.service.Close(); err != nil {
		w.t.Fatal(err)
	}
	w.open(names)
}

// run runs once; true when the program was killed in it.
func (w *world) run() (killed bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			if p != errCrash { //nolint:errorlint // the very one
				panic(p)
			}
			killed = true
		}
	}()
	return false, w.service.Run(context.Background())
}

// may stops at a step: an error is the step's, errCrash ends the program.
func (w *world) may(what string) error {
	err := w.step(what)
	if errors.Is(err, errCrash) {
		panic(errCrash)
	}
	return err
}

// spot is a place that loses things one half after the other.
type spot struct {
	w    *world
	name string
}

func (p *spot) Name() string { return p.name }

func (p *spot) Erase(_ context.Context, s Scope) (n int64, err error) {
	p.w.before(p.name, s)
	p.w.log = append(p.w.log, p.name)
	for _, half := range []string{" first half", " second half"} {
		if err := p.w.may(p.name + half); err != nil {
			return n, err
		}
		have := p.w.held[p.name][s]
		if half == " first half" {
			have /= 2
		}
		n += have
		p.w.held[p.name][s] -= have
	}
	return n, p.w.may(p.name + " end")
}

// vouch is an archive that certifies.
type vouch struct{ w *world }

func (v vouch) Months(town string) ([]string, error) {
	var out []string
	for _, month := range []string{"2026-08", "2026-09", "2026-10", "2026-11"} {
		if !slices.ContainsFunc(v.w.certificates, func(a Account) bool { return a.Scope == Scope{town, month} }) {
			out = append(out, month)
		}
	}
	return out, v.w.may("months")
}

func (v vouch) Certify(a Account) (string, error) {
	if err := v.w.may("before the certificate"); err != nil {
		return "", err
	}
	n := slices.IndexFunc(v.w.certificates, func(b Account) bool { return b.ID == a.ID })
	if n < 0 {
		n = len(v.w.certificates)
		v.w.certificates = append(v.w.certificates, a)
	}
	return fmt.Sprintf("erasures/%06d.certificate", n+1), v.w.may("after the certificate")
}

func (v vouch) CertificateText(name string) ([]byte, error) { return []byte(name), nil }

// ask requests and, when there is an approver, approves.
func (w *world) ask(s Scope, by, approver string) int64 {
	w.t.Helper()
	id, err := w.service.Request(context.Background(), by, s, "保存期間が過ぎたため")
	if err == nil && approver != "" {
		err = w.service.Approve(context.Background(), approver, id)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

// get is an erasure as the prefecture sees it.
func (w *world) get(id int64) Erasure {
	w.t.Helper()
	list, err := w.service.List(context.Background(), &soc.User{Role: soc.Admin})
	if err != nil {
		w.t.Fatal(err)
	}
	i := slices.IndexFunc(list, func(e Erasure) bool { return e.ID == id })
	if i < 0 {
		w.t.Fatalf("no erasure %d", id)
	}
	return list[i]
}

// gone checks what can be read of a scope, and that all else is untouched.
func (w *world) gone(scopes ...Scope) {
	w.t.Helper()
	for place, held := range w.held {
		for s, n := range held {
			if slices.Contains(scopes, s) != (n == 0) || n != 0 && n != 10 {
				w.t.Errorf("%s has %d of %v, gone should be %v", place, n, s, scopes)
			}
		}
	}
}

func (w *world) mustRun() {
	w.t.Helper()
	if killed, err := w.run(); err != nil || killed {
		w.t.Fatal(killed, err)
	}
}
