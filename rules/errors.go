package rules

import "mimamori/internal/place"

// Error is a mistake in a rule file: its file, line and column, what is wrong
// and what to do.
type Error = place.Error
