// Package rules decides which events are findings: rule files (YAML around
// conditions of the expression language), an index that finds the few rules an
// event can concern among thousands, and correlations over event time.
//
// Under pressure: evaluation never blocks and never fails. Group keys are
// bounded per rule; beyond the bound the least recently used is forgotten and
// counted (Stats.Evicted). Events later than a window can use are counted
// (Stats.Late). A rule that panics is suspended and logged; the others go on.
// Evidence beyond a rule's memory budget is kept as a reference without text.
package rules
