package app

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"mimamori/archive"
	"mimamori/internal/calendar"
	"mimamori/soc/erasure"
)

// Erasure says how a municipality's months are erased.
type Erasure struct {
	Wait string `yaml:"wait"` // between the approval and the erasure; default 7d
}

// ErasureFile is the register of erasures in a data folder.
const ErasureFile = "erasure.db"

func (c *Config) checkErasure() (string, error) {
	if c.Erasure.Wait == "" {
		return "", nil
	}
	_, err := parseAge(c.Erasure.Wait)
	return "$.erasure.wait", err
}

// openErasure opens the register of erasures.
func (a *App) openErasure(ctx context.Context) error { return a.openRegister(ctx, a.places()) }

// openRegister opens the register over places. Without an archive there is none:
// nothing could vouch for an erasure.
func (a *App) openRegister(ctx context.Context, places []erasure.Place) error {
	if a.archive == nil {
		return nil
	}
	var wait time.Duration
	if a.cfg.Erasure.Wait != "" {
		var err error
		if wait, err = parseAge(a.cfg.Erasure.Wait); err != nil {
			return err
		}
	}
	s, err := erasure.Open(ctx, erasure.Config{
		Path: filepath.Join(a.cfg.Data, ErasureFile), Users: a.soc, Archive: voucher{a.archive}, Places: places, Wait: wait, Now: a.now, Log: a.log,
	})
	if err != nil {
		return err
	}
	a.erasure = s
	a.onClose("register of erasures", s.Close)
	return nil
}

// eraseEvery is how often the register is looked through for what is due.
const eraseEvery = time.Minute

// erase works on what is due until ctx ends.
func (a *App) erase(ctx context.Context) error {
	tick := time.NewTicker(eraseEvery)
	defer tick.Stop()
	for a.erasure != nil {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := a.erasure.Run(ctx); err != nil && ctx.Err() == nil {
			a.log.Error("erasing; trying again", "err", err)
		}
	}
	<-ctx.Done()
	return nil
}

// retained tells what is kept now.
func (a *App) retained(ctx context.Context) (*keeping, error) {
	k := &keeping{cfg: &a.cfg, now: a.now()}
	if a.erasure == nil {
		return k, nil
	}
	var err error
	k.held, err = a.erasure.OnHold(ctx)
	return k, err
}

// voucher lets the register have the archive's certificates.
type voucher struct{ *archive.Archive }

// Certify keeps the certificate of an erasure.
func (v voucher) Certify(x erasure.Account) (string, error) {
	c := archive.Certificate{
		Request: fmt.Sprint(x.ID), Municipality: x.Municipality, Month: x.Month, Reason: x.Reason, Requested: act(x.Requested), Approved: act(x.Approved),
		Begun: x.Begun.In(calendar.JST()), Ended: x.Ended.In(calendar.JST()),
	}
	if x.Standing > 0 {
		c.Standing = fmt.Sprint(x.Standing)
	}
	for _, r := range x.Removed {
		c.Removed = append(c.Removed, archive.Removal(r))
	}
	return v.Archive.Certify(c)
}

func act(a erasure.Act) archive.Act {
	return archive.Act{At: a.At.In(calendar.JST()), By: a.By, Side: a.Side}
}
