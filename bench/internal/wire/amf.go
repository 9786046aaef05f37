package wire

import (
	"encoding/binary"
	"math"
)

// AMF0 markers, AMF0 specification section 2.1.
const (
	amfNumber      = 0
	amfBool        = 1
	amfString      = 2
	amfObject      = 3
	amfNull        = 5
	amfUndefined   = 6
	amfECMAArray   = 8
	amfObjectEnd   = 9
	amfStrictArray = 10
	amfDate        = 11
	amfLongString  = 12
)

const (
	amfMaxDepth = 16
	amfMaxNodes = 1000
)

// field is one member of an AMF0 object that is sent; a slice of them keeps its order.
type field struct {
	name  string
	value any
}

// appendAMF appends values in AMF0: float64, bool, string, nil and []field.
func appendAMF(b []byte, values ...any) []byte {
	for _, v := range values {
		b = appendValue(b, v)
	}
	return b
}

func appendValue(b []byte, v any) []byte {
	switch v := v.(type) {
	case float64:
		return binary.BigEndian.AppendUint64(append(b, amfNumber), math.Float64bits(v))
	case bool:
		if v {
			return append(b, amfBool, 1)
		}
		return append(b, amfBool, 0)
	case string:
		return appendName(append(b, amfString), v)
	case []field:
		b = append(b, amfObject)
		for _, f := range v {
			b = appendValue(appendName(b, f.name), f.value)
		}
		return append(b, 0, 0, amfObjectEnd)
	}
	return append(b, amfNull)
}

func appendName(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
}

// parseAMF reads all values of b. Objects and ECMA arrays become map[string]any, null and undefined become nil.
func parseAMF(b []byte) ([]any, error) {
	r := amfReader{b: b}
	var values []any
	for len(r.b) > 0 {
		v, err := r.value(0)
		if err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	return values, nil
}

type amfReader struct {
	b     []byte
	nodes int
}

func (r *amfReader) take(n int) ([]byte, error) {
	if n > len(r.b) {
		return nil, malformed("AMF0 value is cut short")
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b, nil
}

func (r *amfReader) value(depth int) (any, error) {
	r.nodes++
	if depth > amfMaxDepth || r.nodes > amfMaxNodes {
		return nil, malformed("AMF0 value is nested too deep or has too many members")
	}
	marker, err := r.take(1)
	if err != nil {
		return nil, err
	}
	switch marker[0] {
	case amfNumber:
		return r.number()
	case amfBool:
		b, err := r.take(1)
		return err == nil && b[0] != 0, err
	case amfString:
		return r.text(2)
	case amfLongString:
		return r.text(4)
	case amfNull, amfUndefined:
		return nil, nil
	case amfDate:
		_, err := r.take(10)
		return nil, err
	case amfObject:
		return r.object(depth)
	case amfECMAArray:
		if _, err := r.take(4); err != nil {
			return nil, err
		}
		return r.object(depth)
	case amfStrictArray:
		return r.array(depth)
	}
	return nil, malformed("AMF0 marker %d", marker[0])
}

func (r *amfReader) number() (any, error) {
	b, err := r.take(8)
	if err != nil {
		return nil, err
	}
	return math.Float64frombits(binary.BigEndian.Uint64(b)), nil
}

// text reads a string behind a length of size bytes, 2 or 4.
func (r *amfReader) text(size int) (string, error) {
	head, err := r.take(size)
	if err != nil {
		return "", err
	}
	n := 0
	for _, c := range head {
		n = n<<8 | int(c)
	}
	b, err := r.take(n)
	return string(b), err
}

func (r *amfReader) object(depth int) (any, error) {
	m := map[string]any{}
	for {
		name, err := r.text(2)
		if err != nil {
			return nil, err
		}
		if name == "" && len(r.b) > 0 && r.b[0] == amfObjectEnd {
			r.b = r.b[1:]
			return m, nil
		}
		if m[name], err = r.value(depth + 1); err != nil {
			return nil, err
		}
	}
}

func (r *amfReader) array(depth int) (any, error) {
	head, err := r.take(4)
	if err != nil {
		return nil, err
	}
	var values []any
	for range binary.BigEndian.Uint32(head) {
		v, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		values = append(values, v)
	}
	return values, nil
}
