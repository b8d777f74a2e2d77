package rules

import (
	"reflect"
	"testing"
	"time"

	"mimamori/internal/lang"
)

// sample is a rule that says everything.
func sample(t *testing.T) *Rule {
	r, err := Parse("r.yaml", []byte(`id: r
title: {ja: 題, en: title}
severity: low
status: test
owner: soc
attack: [T1110]
source: {dataset: [a, b]}
when: has(user.name)
correlate:
  type: percentile
  percentile: destination.port
  rank: 50
  over: {gte: 3, lt: 9}
  by: [source.ip]
  within: 5m
explain: {ja: 説明, en: text}
respond: {ja: [一, 二], en: [one, two]}
references: [https://example.jp/]
falsepositives: {ja: [誤, 報], en: [scan, test]}
allow: [{when: user.name == "a", owner: o, reason: r, expires: 2027-03-31, municipality: "131016"}]
tests: [{name: n, alerts: 0, events: [{user: {name: a}}]}]
`))
	if err != nil {
		t.Fatal(err)
	}
	expr := r.When
	r.Suppress = &Suppress{By: r.Correlate.By, For: time.Hour}
	r.Correlate.Steps = []Step{{Name: "a", When: expr, Count: 1, By: r.Correlate.By}, {Name: "b", When: expr, Count: 2}}
	r.Correlate.Until, r.Correlate.Spike, r.Correlate.Regular = expr, 2, 0.5
	r.Correlate.Type = "spike" // learn counts
	r.Towns = map[string]*Rule{"131016": {Severity: r.Severity, Status: Stable}}
	return r
}

// unsaid are the fields that a diff says nothing of, and why.
var unsaid = map[string]string{
	"Rule.ID":      "rules are compared by it",
	"Rule.File":    "it is no part of the rule",
	"Rule.Version": "it follows from the rest, and from how that is written",
	"Rule.Changes": "they are a record, and change nothing",
	"Case.Line":    "it is where the test stands",
}

// TestEveryFieldOfARuleIsCompared: whoever adds a field to a rule decides in
// aspects or in unsaid what a diff says of it.
func TestEveryFieldOfARuleIsCompared(t *testing.T) {
	seen := map[string]bool{}
	for i := range 1000 {
		changed, at := sample(t), i
		name := changeField(reflect.ValueOf(changed).Elem(), &at)
		if name == "" {
			break
		}
		seen[name] = true
		_, skip := unsaid[name]
		if got := sample(t).Differences(changed); (len(got) == 0) != skip {
			t.Errorf("%s changed: %+v", name, got)
		}
	}
	if len(seen) < 50 {
		t.Errorf("only %d fields were changed", len(seen))
	}
	for name := range unsaid {
		if !seen[name] {
			t.Errorf("%s is no field", name)
		}
	}
}

// changeField changes the field with the number at, structs and the first
// elements of lists gone through, and tells its name.
func changeField(v reflect.Value, at *int) string {
	for i := range v.NumField() {
		f, info := v.Field(i), v.Type().Field(i)
		if !info.IsExported() {
			continue
		}
		if *at--; *at < 0 {
			change(f)
			return v.Type().Name() + "." + info.Name
		}
		for f.Kind() == reflect.Pointer && !f.IsNil() || f.Kind() == reflect.Slice && f.Len() > 0 {
			if f.Kind() == reflect.Pointer {
				f = f.Elem()
			} else {
				f = f.Index(0)
			}
		}
		if f.Kind() == reflect.Struct && f.Type().PkgPath() != "time" && f.Type() != reflect.TypeFor[lang.Expr]() {
			copied := reflect.New(f.Type()).Elem()
			copied.Set(f)
			if name := changeField(copied, at); name != "" {
				f.Set(copied)
				return name
			}
		}
	}
	return ""
}

// change makes another value: nothing of a pointer or list, more of a number or
// text.
func change(f reflect.Value) {
	switch f.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Struct, reflect.Interface, reflect.Map:
		if f.IsZero() && f.Kind() == reflect.Pointer {
			f.Set(reflect.New(f.Type().Elem()))
			return
		}
		if f.IsZero() && f.Kind() == reflect.Interface {
			f.Set(reflect.ValueOf(members{"l": {"m"}}))
			return
		}
		f.SetZero()
	case reflect.String:
		f.SetString(f.String() + "x")
	case reflect.Int, reflect.Int64:
		f.SetInt(f.Int() + 1)
	case reflect.Uint8:
		f.SetUint(f.Uint() + 1)
	case reflect.Float64:
		f.SetFloat(f.Float() + 1)
	default:
		panic(f.Kind().String())
	}
}
