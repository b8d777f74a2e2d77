package collector

import (
	"google.golang.org/protobuf/encoding/protowire"

	"mimamori/frame"
)

// otlpLevels are the messages on the way to a log record, from outside in, and
// the field of each that holds the list of the next.
var otlpLevels = [...]struct {
	kind pbKind
	list protowire.Number
}{{pbRequest, 1}, {pbResourceLogs, 2}, {pbScopeLogs, 2}}

// cutOTLPProto makes a bodyLine of each log record of an ExportLogsServiceRequest
// in protobuf.
func cutOTLPProto(b *body, emit func(bodyLine) error) error {
	msg, err := b.whole(httpWhole)
	if err != nil {
		return err
	}
	if err := b.m.add(otlpMemory); err != nil {
		return err
	}
	defer func() { _ = b.m.add(-otlpMemory) }()
	c := &otlpCut{emit: emit}
	return c.message(msg, 0, nil)
}

// message is object, for protobuf.
func (c *otlpCut) message(msg []byte, level int, head []byte) error {
	out := &pbText{b: append([]byte(nil), head...), limit: otlpHead, total: int64(len(head))}
	out.put("{")
	empty := out.total
	if err := out.fields(msg, otlpLevels[level].kind, otlpLevels[level].list, 0); err != nil {
		return err
	}
	unknown := level == 0 && out.total > empty
	if out.total > empty {
		out.put(",")
	}
	if out.put(otlpLists[level], ":["); out.total > otlpHead || !c.afford(len(out.b)) {
		return errTooLarge
	}
	err := pbEach(msg, func(f pbValue) error {
		switch {
		case f.num != otlpLevels[level].list:
			return nil
		case f.typ != protowire.BytesType:
			return errFormat
		case level+1 < len(otlpLevels):
			return c.message(f.bytes, level+1, out.b)
		}
		return c.protoRecord(f.bytes, out.b)
	})
	if err == nil && unknown && !c.any {
		err = errFormat
	}
	return err
}

func (c *otlpCut) protoRecord(msg, head []byte) error {
	out := &pbText{b: append(c.line[:0], head...), limit: frame.MaxLine, total: int64(len(head))}
	if err := out.message(msg, pbLogRecord, 0); err != nil {
		return err
	}
	out.put(otlpTail)
	c.line, c.any = out.b, true
	return c.emit(bodyLine{line: out.b, total: out.total})
}
