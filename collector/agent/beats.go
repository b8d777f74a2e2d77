package agent

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"time"

	"mimamori/internal/bus"
	"mimamori/internal/care"
)

const answerTimeout = 10 * time.Second

// beats sends heartbeats until ctx ends: the first as soon as there is a line,
// more often during a trial.
func (l *life) beats(ctx context.Context) {
	told := false
	for {
		err := l.ask(ctx)
		if err != nil && ctx.Err() == nil && !told {
			l.opts.Log.Warn("the prefecture does not answer heartbeats", "err", err)
		}
		told = err != nil
		wait := l.opts.Beat
		if l.onTrial() || !l.conn.Connected() {
			wait = min(wait, l.opts.Steady/4)
		}
		timer := time.NewTimer(wait/2 + rand.N(wait/2+1)) //nolint:gosec // jitter, no secret
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// ask sends one heartbeat and passes on what the answer brings.
func (l *life) ask(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	h := l.Heartbeat()
	b, err := json.Marshal(h)
	if err != nil { // numbers, strings and times always have a JSON form
		panic(err)
	}
	reply, err := l.conn.Request(ctx, bus.CareSubject(h.Municipality, h.Collector), b)
	if err != nil {
		return err
	}
	var answer care.Answer
	if err := json.Unmarshal(reply, &answer); err != nil {
		return err
	}
	l.mu.Lock()
	l.answer = Answered{Sent: h.Sent, Got: l.opts.Now(), Now: answer.Now}
	l.mu.Unlock()
	if len(answer.Order) > 0 && l.orders != nil {
		l.hear(answer.Order)
	}
	select {
	case l.answered <- h.Sent:
	default: // the one before has not been looked at yet
	}
	return nil
}

func (l *life) onTrial() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state.Trying != nil
}
