package collector

import "google.golang.org/protobuf/encoding/protowire"

// pbKind is the type of a protobuf field: a message or a scalar.
type pbKind uint8

// Messages, and then scalars.
const (
	pbRequest pbKind = iota
	pbResourceLogs
	pbScopeLogs
	pbLogRecord
	pbResource
	pbScope
	pbEntity
	pbKeyValue
	pbAny
	pbArray
	pbKeyValues
	pbMessages // how many

	pbString
	pbHex
	pbBytes
	pbBool
	pbInt32  // also of enumerations
	pbUint32 // as a number
	pbInt64  // in quotes, as protobuf's JSON has it
	pbFixed32
	pbFixed64
	pbDouble
)

// pbEntry is a field of a message, with its name in OTLP's JSON.
type pbEntry struct {
	num  protowire.Number
	name string
	kind pbKind
	list bool
}

// otlpFields are the messages of OTLP logs 1.x (opentelemetry-proto: logs,
// resource and common v1). Fields that are not in it are kept as bytes.
var otlpFields = [pbMessages][]pbEntry{
	pbRequest: {{1, "resourceLogs", pbResourceLogs, true}},
	pbResourceLogs: {
		{1, "resource", pbResource, false}, {2, "scopeLogs", pbScopeLogs, true}, {3, "schemaUrl", pbString, false},
	},
	pbScopeLogs: {
		{1, "scope", pbScope, false}, {2, "logRecords", pbLogRecord, true}, {3, "schemaUrl", pbString, false},
	},
	pbLogRecord: {
		{1, "timeUnixNano", pbFixed64, false},
		{2, "severityNumber", pbInt32, false},
		{3, "severityText", pbString, false},
		{5, "body", pbAny, false},
		{6, "attributes", pbKeyValue, true},
		{7, "droppedAttributesCount", pbUint32, false},
		{8, "flags", pbFixed32, false},
		{9, "traceId", pbHex, false},
		{10, "spanId", pbHex, false},
		{11, "observedTimeUnixNano", pbFixed64, false},
		{12, "eventName", pbString, false},
	},
	pbResource: {
		{1, "attributes", pbKeyValue, true}, {2, "droppedAttributesCount", pbUint32, false}, {3, "entityRefs", pbEntity, true},
	},
	pbScope: {
		{1, "name", pbString, false},
		{2, "version", pbString, false},
		{3, "attributes", pbKeyValue, true},
		{4, "droppedAttributesCount", pbUint32, false},
	},
	pbEntity: {
		{1, "schemaUrl", pbString, false}, {2, "type", pbString, false}, {3, "idKeys", pbString, true}, {4, "descriptionKeys", pbString, true},
	},
	pbKeyValue: {{1, "key", pbString, false}, {2, "value", pbAny, false}},
	pbAny: { // one of them
		{1, "stringValue", pbString, false},
		{2, "boolValue", pbBool, false},
		{3, "intValue", pbInt64, false},
		{4, "doubleValue", pbDouble, false},
		{5, "arrayValue", pbArray, false},
		{6, "kvlistValue", pbKeyValues, false},
		{7, "bytesValue", pbBytes, false},
	},
	pbArray:     {{1, "values", pbAny, true}},
	pbKeyValues: {{1, "values", pbKeyValue, true}},
}

// wire is how a kind stands in a message.
func (k pbKind) wire() protowire.Type {
	switch k {
	case pbBool, pbInt32, pbUint32, pbInt64:
		return protowire.VarintType
	case pbFixed32:
		return protowire.Fixed32Type
	case pbFixed64, pbDouble:
		return protowire.Fixed64Type
	}
	return protowire.BytesType
}
