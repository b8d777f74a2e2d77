package format

import _ "embed"

//go:embed schema.json
var schema string

// Schema is the JSON Schema of format files, for editors.
func Schema() string { return schema }
