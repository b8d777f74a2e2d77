package testkit

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// Schema is a JSON Schema. It checks by the few keywords that ours use; another
// one is a mistake, so that nothing in a schema goes unchecked.
type Schema struct {
	Root map[string]any
	Defs map[string]any
}

// ReadSchema reads a schema with its $defs.
func ReadSchema(t testing.TB, text string) Schema {
	t.Helper()
	var root map[string]any
	if err := json.Unmarshal([]byte(text), &root); err != nil {
		t.Fatal(err)
	}
	defs, ok := root["$defs"].(map[string]any)
	if !ok {
		t.Fatal("the schema has no $defs")
	}
	return Schema{root, defs}
}

// Check says what of a value is not as a part of the schema wants it. at is where
// the value stands, for the error.
func (s Schema) Check(part, x any, at string) error {
	if allowed, ok := part.(bool); ok {
		if !allowed {
			return fmt.Errorf("%s: not allowed here", at)
		}
		return nil
	}
	words, ok := part.(map[string]any)
	if !ok {
		return fmt.Errorf("%s: no schema: %v", at, part)
	}
	var errs []error
	for _, word := range slices.Sorted(maps.Keys(words)) {
		errs = append(errs, s.keyword(word, words, x, at))
	}
	return errors.Join(errs...)
}

func (s Schema) keyword(word string, part map[string]any, x any, at string) error {
	arg := part[word]
	switch word {
	case "$schema", "title", "description", "$defs", "then", "else":
		return nil
	case "$ref":
		name := strings.TrimPrefix(arg.(string), "#/$defs/")
		def, ok := s.Defs[name]
		if !ok {
			return fmt.Errorf("%s: no $defs/%s", at, name)
		}
		return s.Check(def, x, at)
	case "if":
		next := "then"
		if s.Check(arg, x, at) != nil {
			next = "else"
		}
		if part[next] == nil {
			return nil
		}
		return s.Check(part[next], x, at)
	case "allOf", "anyOf", "not":
		return s.logic(word, arg, x, at)
	case "properties":
		return s.members(object(arg), x, at)
	case "additionalProperties":
		return s.others(object(part["properties"]), arg, x, at)
	case "items":
		var errs []error
		for i, it := range slice(x) {
			errs = append(errs, s.Check(arg, it, fmt.Sprintf("%s[%d]", at, i)))
		}
		return errors.Join(errs...)
	}
	return s.value(word, arg, x, at)
}

func (s Schema) logic(word string, arg, x any, at string) error {
	if word == "not" {
		if s.Check(arg, x, at) == nil {
			return fmt.Errorf("%s: matches what it must not", at)
		}
		return nil
	}
	var all []error
	for _, one := range arg.([]any) {
		err := s.Check(one, x, at)
		if err == nil && word == "anyOf" {
			return nil
		}
		all = append(all, err)
	}
	return errors.Join(all...)
}

// members checks the members of an object that have a schema of their own.
func (s Schema) members(props map[string]any, x any, at string) error {
	var errs []error
	for _, k := range slices.Sorted(maps.Keys(object(x))) {
		if sub, ok := props[k]; ok {
			errs = append(errs, s.Check(sub, object(x)[k], at+"."+k))
		}
	}
	return errors.Join(errs...)
}

// others checks the members that have none.
func (s Schema) others(props map[string]any, schema, x any, at string) error {
	var errs []error
	for _, k := range slices.Sorted(maps.Keys(object(x))) {
		if _, ok := props[k]; ok {
			continue
		}
		if schema == false {
			errs = append(errs, fmt.Errorf("%s: unknown key %q", at, k))
			continue
		}
		errs = append(errs, s.Check(schema, object(x)[k], at+"."+k))
	}
	return errors.Join(errs...)
}
