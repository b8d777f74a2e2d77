package app

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"mimamori/internal/bus"
	"mimamori/internal/care"
	"mimamori/soc/fleet"
)

// desk answers collectors: requests for enrolment and heartbeats, each kind one
// after the other. Who asks too often is not answered.
type desk struct {
	app       *App
	ctx       context.Context
	allowance map[string]*allowance // of heartbeats, by collector
}

// enrol turns a good request into a registered collector.
func (d *desk) enrol(subject string, data []byte) []byte {
	w, err := d.admit(strings.TrimPrefix(subject, "enrol."), data)
	if err != nil {
		d.app.log.Warn("enrolment refused", "subject", subject, "err", err)
		w.Refused = refusalText(err)
	}
	return answer(w)
}

func (d *desk) admit(invitation string, data []byte) (care.Welcome, error) {
	a := d.app
	r, err := care.ParseRequest(data)
	if err != nil {
		return care.Welcome{}, err
	}
	own, err := bus.ParsePublic(r.Public)
	if err != nil {
		return care.Welcome{}, errors.Join(care.ErrProof, err)
	}
	i, err := a.fleet.Invitation(d.ctx, r.Invitation)
	if err != nil {
		return care.Welcome{}, err
	}
	holder, err := bus.ParsePublic(i.Public)
	if err == nil {
		err = r.Verify(holder, own)
	}
	if err != nil || r.Invitation != invitation || r.Public == i.Public || d.inFile(i.Collector, r.Public) {
		return care.Welcome{}, errors.Join(care.ErrProof, err)
	}
	c, err := a.fleet.Use(d.ctx, r.Invitation, r.Public)
	if err != nil {
		return care.Welcome{}, err
	}
	if err := a.applyFleet(d.ctx); err != nil {
		return care.Welcome{}, err
	}
	a.log.Info("collector enrolled", "collector", c.ID, "municipality", c.Municipality, "public_key", c.Public, "invited_by", c.EnrolledBy)
	return care.Welcome{After: max(a.roster.now.Load().newest[c.ID], 1) - 1}, nil
}

// inFile tells whether the configuration file has this name or key.
func (d *desk) inFile(id, public string) bool {
	for _, c := range d.app.cfg.Collectors {
		if c.ID == id || c.Key == public {
			return true
		}
	}
	return false
}

// refusalText is what the person who enrols reads.
func refusalText(err error) string {
	switch {
	case errors.Is(err, fleet.ErrToken):
		return "この招待は使用済みか、期限切れです。県に新しい招待を依頼してください。 / This invitation was used or has expired: ask the prefecture for a new one."
	case errors.Is(err, fleet.ErrTaken):
		return "この名前または鍵は登録済みか、失効しています。県に連絡してください。 / This name or key is in use or was revoked: tell the prefecture."
	case errors.Is(err, care.ErrProof):
		return "招待と鍵が合いません。トークン全体を貼り付けてください。 / The keys do not fit the invitation: paste the whole token."
	}
	return "県のプログラムに障害があります。しばらくしてからもう一度お試しください。 / The prefecture's program has a fault: try again later."
}

// heartbeat keeps what a collector says of itself and answers with the time
// and, when there is one, a newer order.
func (d *desk) heartbeat(subject string, data []byte) []byte {
	a := d.app
	town, id, _ := strings.Cut(strings.TrimPrefix(subject, "care."), ".")
	managed, ok := a.roster.member(id, town)
	if !ok || !d.mayAsk(id) {
		return nil
	}
	h, err := care.ParseHeartbeat(data)
	if err == nil && (h.Collector != id || h.Municipality != town) {
		err = errors.New("it is in another's name")
	}
	if err != nil {
		a.log.Warn("heartbeat refused", "collector", id, "err", err)
		return nil
	}
	out := care.Answer{Now: a.now()}
	if managed && a.roster.now.Load().newest[id] > max(h.Config, h.Tried) {
		if out.Order, err = a.order(d.ctx, Collector{ID: id, Municipality: town}); err != nil {
			a.log.Error("an order cannot be made", "collector", id, "err", err)
		}
	}
	beat := fleet.Beat{Collector: id, At: out.Now, JSON: answer(h)}
	if err := a.fleet.Beat(d.ctx, beat, fleet.Outcome{Running: h.Config, Tried: h.Tried, Reason: h.Trouble}); err != nil {
		a.log.Error("a heartbeat cannot be kept", "collector", id, "err", err)
	}
	return answer(out)
}

func answer(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil { // numbers, strings and times always have a JSON form
		panic(err)
	}
	return b
}

// How many heartbeats of one collector are answered.
const (
	beatBurst = 60
	beatEvery = 100 * time.Millisecond // beyond the burst
)

// allowance is how many heartbeats a collector may send now.
type allowance struct {
	left float64
	at   time.Time
}

func (d *desk) mayAsk(id string) bool {
	now := d.app.now()
	w := d.allowance[id]
	if w == nil {
		w = &allowance{beatBurst, now}
		d.allowance[id] = w
	}
	if gone := now.Sub(w.at); gone > 0 {
		w.left = min(beatBurst, w.left+gone.Seconds()/beatEvery.Seconds())
	}
	w.at = now
	if w.left < 1 {
		return false
	}
	w.left--
	return true
}
