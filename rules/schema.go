package rules

import _ "embed"

//go:embed schema.json
var schema string

// Schema is the JSON Schema of rule files and of overrides, for editors.
func Schema() string { return schema }
