package sigma

import (
	"errors"
	"fmt"
	"os"

	"mimamori/rules"
)

// check loads the folder and notes why it can't be: an override that does not
// fit the rule any more, or of a rule that is nowhere, an edited file. It may
// override built-in rules.
func (rep *Report) check(out string) error {
	_, err := rules.Load(os.DirFS(out))
	if err == nil {
		return nil
	}
	if _, err = rules.Load(rules.Library(), os.DirFS(out)); err == nil {
		return nil
	}
	for err := range each(err) {
		var mistake *rules.Error
		if !errors.As(err, &mistake) {
			return fmt.Errorf("sigma: %w", err)
		}
		rep.Problems = append(rep.Problems, mistake.Error())
	}
	return nil
}

// each goes through the errors that were joined to one.
func each(err error) func(yield func(error) bool) {
	return func(yield func(error) bool) {
		var joined interface{ Unwrap() []error }
		if !errors.As(err, &joined) {
			yield(err)
			return
		}
		for _, e := range joined.Unwrap() {
			for x := range each(e) {
				if !yield(x) {
					return
				}
			}
		}
	}
}
