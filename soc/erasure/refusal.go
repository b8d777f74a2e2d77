package erasure

// Refusal is why an act was refused; test with errors.Is.
type Refusal string

// The refusals.
const (
	SamePerson Refusal = "person"    // who asked approves
	SameSide   Refusal = "side"      // of the organisation that asked
	NoRight    Refusal = "right"     // an account that decides nothing of this
	Stranger   Refusal = "stranger"  // of another municipality, or without an account
	Disabled   Refusal = "disabled"  // the account is disabled
	AskerGone  Refusal = "requester" // the account that asked is disabled or gone, or speaks for another by now
	OnHold     Refusal = "hold"      // a legal hold stands
	NotOver    Refusal = "month"     // the month is not over
	NoMonth    Refusal = "scope"     // not a municipality and a month, or not an age
	UnderWay   Refusal = "open"      // there is one of the same already
	TooLate    Refusal = "state"     // it does not stand where this can be done
	NoReason   Refusal = "reason"    // nothing, or too much, was said of why
)

// Error says it in plain words.
func (r Refusal) Error() string {
	switch r {
	case SamePerson:
		return "who asked for an erasure cannot approve it: a second person must"
	case SameSide:
		return "the approval must come from the other organisation: the prefecture, or the municipality itself"
	case NoRight:
		return "only the prefecture's administrators and the municipality's own staff decide on erasures"
	case Stranger:
		return "this municipality's logs are not this account's to decide on"
	case Disabled:
		return "the account is disabled"
	case AskerGone:
		return "the account that asked is disabled, or speaks for another organisation by now: ask anew"
	case OnHold:
		return "a legal hold stands on it; nothing of it may be erased until the hold is lifted"
	case NotOver:
		return "the month is not over yet"
	case NoMonth:
		return "want a municipality's code and a month (312011, 2026-11), or an age of 1 to 1200 months"
	case UnderWay:
		return "the same was asked for already, and is not ended"
	case TooLate:
		return "it does not stand where this could be done: it runs, or has ended"
	case NoReason:
		return "say why, in 1 to 400 characters"
	}
	return string(r)
}
