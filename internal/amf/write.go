package amf

import (
	"encoding/binary"
	"math"
)

// AppendNumber appends a number.
func AppendNumber(dst []byte, f float64) []byte {
	return binary.BigEndian.AppendUint64(append(dst, markNumber), math.Float64bits(f))
}

// AppendBool appends a boolean.
func AppendBool(dst []byte, b bool) []byte {
	if b {
		return append(dst, markBoolean, 1)
	}
	return append(dst, markBoolean, 0)
}

// AppendString appends a string, as a long one if it has 64 KiB or more.
func AppendString(dst []byte, s string) []byte {
	if len(s) > math.MaxUint16 {
		dst = binary.BigEndian.AppendUint32(append(dst, markLongString), uint32(len(s)))
		return append(dst, s...)
	}
	return appendKey(append(dst, markString), s)
}

// AppendNull appends null.
func AppendNull(dst []byte) []byte { return append(dst, markNull) }

// AppendObject appends an object. Values that Append does not know become undefined.
func AppendObject(dst []byte, o Object) []byte {
	return appendMembers(append(dst, markObject), o)
}

// AppendECMAArray appends an associative array.
func AppendECMAArray(dst []byte, o []Property) []byte {
	dst = binary.BigEndian.AppendUint32(append(dst, markECMAArray), uint32(len(o)))
	return appendMembers(dst, o)
}

// Append appends values of the types that Unmarshal0 returns, and ints.
func Append(dst []byte, values ...any) []byte {
	for _, v := range values {
		dst = appendValue(dst, v)
	}
	return dst
}

func appendValue(dst []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return AppendNull(dst)
	case float64:
		return AppendNumber(dst, v)
	case int:
		return AppendNumber(dst, float64(v))
	case bool:
		return AppendBool(dst, v)
	case string:
		return AppendString(dst, v)
	case Object:
		return AppendObject(dst, v)
	case ECMAArray:
		return AppendECMAArray(dst, v)
	case StrictArray:
		dst = binary.BigEndian.AppendUint32(append(dst, markStrictArray), uint32(len(v)))
		return Append(dst, v...)
	case Date:
		dst = binary.BigEndian.AppendUint64(append(dst, markDate), math.Float64bits(float64(v.UnixMilli())))
		return append(dst, 0, 0)
	}
	return append(dst, markUndefined)
}

func appendMembers(dst []byte, o []Property) []byte {
	for _, p := range o {
		dst = appendValue(appendKey(dst, p.Key), p.Value)
	}
	return append(dst, 0, 0, markObjectEnd)
}

// appendKey appends a name, which has no marker, cut to the length it can have.
func appendKey(dst []byte, s string) []byte {
	s = s[:min(len(s), math.MaxUint16)]
	return append(binary.BigEndian.AppendUint16(dst, uint16(len(s))), s...)
}
