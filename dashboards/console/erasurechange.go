package console

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"golang.org/x/text/unicode/norm"

	"mimamori/soc/erasure"
)

// erasureForm is what was posted about erasures.
type erasureForm struct {
	do, confirm, reason string
	id                  int64
	erasure.Scope
	months int
}

func (c *Console) changeErasures(w http.ResponseWriter, r *http.Request, v *view) error {
	if c.erasure == nil {
		return errNotFound()
	}
	if err := parseForm(r); err != nil {
		return err
	}
	f := erasureForm{
		do: r.PostFormValue("do"), confirm: strings.Join(strings.Fields(norm.NFKC.String(r.PostFormValue("confirm"))), " "), reason: r.PostFormValue("reason"),
		Scope: erasure.Scope{Municipality: r.PostFormValue("municipality"), Month: strings.TrimSpace(r.PostFormValue("month"))},
	}
	f.id, _ = strconv.ParseInt(r.PostFormValue("id"), 10, 64) // 0 is nobody's
	f.months, _ = strconv.Atoi(r.PostFormValue("months"))     // 0 is refused
	err := c.doErasure(r, v, &f)
	refusal, refused := errors.AsType[erasure.Refusal](err)
	switch {
	case refused && refusal == erasure.Stranger:
		return errors.Join(errNotFound(), err)
	case refused && (refusal == erasure.NoRight || refusal == erasure.Disabled):
		return c.showErasures(w, r, v, &erasurePage{Problem: v.T("erasure.no." + string(refusal)), status: http.StatusForbidden})
	case refused:
		return c.showErasures(w, r, v, &erasurePage{Problem: v.T("erasure.no." + string(refusal)), status: http.StatusUnprocessableEntity})
	case errors.Is(err, errConfirm):
		return c.showErasures(w, r, v, &erasurePage{Problem: v.T("erasure.no.confirm"), status: http.StatusUnprocessableEntity})
	case err != nil:
		return err
	}
	c.log.Info("erasures: act", "do", f.do, "id", f.id, "municipality", f.Municipality, "month", f.Month, "by", v.User.Name)
	c.setFlash(r, v.T("erasure.done."+f.do))
	http.Redirect(w, r, "/erasure", http.StatusSeeOther)
	return nil
}

// errConfirm says that what was typed is not what was to be confirmed.
var errConfirm = errors.New("the confirmation differs")

func (c *Console) doErasure(r *http.Request, v *view, f *erasureForm) (err error) {
	ctx, by := r.Context(), v.User.Name
	switch f.do {
	case "request":
		_, err = c.erasure.Request(ctx, by, f.Scope, f.reason)
	case "approve":
		if err = c.confirmed(r, v, f); err == nil {
			err = c.erasure.Approve(ctx, by, f.id)
		}
	case "refuse":
		err = c.erasure.Refuse(ctx, by, f.id, f.reason)
	case "withdraw":
		err = c.erasure.Withdraw(ctx, by, f.id, f.reason)
	case "hold":
		err = c.erasure.SetHold(ctx, by, f.Scope, f.reason)
	case "lift":
		err = c.erasure.LiftHold(ctx, by, f.id)
	case "propose":
		_, err = c.erasure.Propose(ctx, by, f.Municipality, f.months, f.reason)
	case "consent":
		if err = c.confirmed(r, v, f); err == nil {
			err = c.erasure.Consent(ctx, by, f.id, f.Municipality)
		}
	case "revoke":
		err = c.erasure.Revoke(ctx, by, f.id, f.Municipality)
	default:
		err = &pageError{status: http.StatusBadRequest, key: "error.invalid"}
	}
	return err
}

// confirmed compares what was typed with what the register has under the number.
// What the reader does not see is left to the register to refuse.
func (c *Console) confirmed(r *http.Request, v *view, f *erasureForm) error {
	want := f.confirm
	if f.do == "approve" {
		list, err := c.erasure.List(r.Context(), v.User)
		if err != nil {
			return err
		}
		for i := range list {
			if list[i].ID == f.id {
				want = confirmation(list[i].Municipality, list[i].Month)
			}
		}
	} else {
		list, err := c.erasure.Standings(r.Context(), v.User)
		if err != nil {
			return err
		}
		for i := range list {
			if list[i].ID == f.id {
				want = confirmation(f.Municipality, strconv.Itoa(list[i].Months))
			}
		}
	}
	if f.confirm != want {
		return errConfirm
	}
	return nil
}
