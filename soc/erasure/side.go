package erasure

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"mimamori/event"
	"mimamori/internal/calendar"
	"mimamori/soc"
)

// Prefecture is the prefecture's side; a municipality's is its code.
const Prefecture = "prefecture"

// Act is what one person did for an organisation; the zero one is nobody yet.
type Act struct {
	At   time.Time `json:"at"`
	By   string    `json:"by"`
	Side string    `json:"side"`
}

// Side tells for whom a user speaks where a municipality's logs are concerned. Its
// error is a Refusal.
func Side(u *soc.User, municipality string) (string, error) {
	switch {
	case u.Disabled:
		return "", Disabled
	case u.Role == soc.Admin:
		return Prefecture, nil
	case u.Role == soc.Municipality && slices.Contains(u.Municipalities, municipality):
		return municipality, nil
	case u.Role == soc.Municipality:
		return "", Stranger
	}
	return "", NoRight
}

// actor is the side for which a person acts now.
func (s *Service) actor(ctx context.Context, name, municipality string) (Act, error) {
	u, err := s.cfg.Users.User(ctx, name)
	if errors.Is(err, soc.ErrNotFound) {
		return Act{}, Stranger
	}
	if err != nil {
		return Act{}, fmt.Errorf("user: %w", err)
	}
	of, err := Side(&u, municipality)
	return Act{s.cfg.Now(), u.Name, of}, err
}

// second checks that an approval comes from a second person of the other side,
// and that the first still stands where the request was made.
func (s *Service) second(ctx context.Context, asked, approves Act, municipality string) error {
	if asked.By == approves.By {
		return SamePerson
	}
	if asked.Side == approves.Side {
		return SameSide
	}
	first, err := s.actor(ctx, asked.By, municipality)
	if _, refused := errors.AsType[Refusal](err); refused || err == nil && first.Side != asked.Side {
		return AskerGone
	}
	return err
}

// check refuses what is no municipality's month.
func (s Scope) check() error {
	t, err := time.Parse("2006-01", s.Month)
	if err != nil || t.Format("2006-01") != s.Month || event.CheckCode(s.Municipality) != nil {
		return NoMonth
	}
	return nil
}

// over tells whether a month has ended in Japan.
func over(month string, now time.Time) bool { return month < now.In(calendar.JST()).Format("2006-01") }

// before is the first month that is not older than so many months.
func before(months int, now time.Time) string {
	t := now.In(calendar.JST())
	return time.Date(t.Year(), t.Month()-time.Month(months), 1, 0, 0, 0, 0, time.UTC).Format("2006-01")
}

// maxReason bounds what is said of why, in characters.
const maxReason = 400

// reason makes one line of a reason, and refuses none.
func reason(text string) (string, error) {
	text = oneLine(text)
	if n := utf8.RuneCountInString(text); n == 0 || n > maxReason {
		return "", NoReason
	}
	return text, nil
}

func oneLine(text string) string {
	return strings.Join(strings.Fields(strings.ToValidUTF8(text, "?")), " ")
}
