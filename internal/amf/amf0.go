package amf

import "fmt"

// The markers of AMF0, section 2.1.
const (
	markNumber      = 0x00
	markBoolean     = 0x01
	markString      = 0x02
	markObject      = 0x03
	markNull        = 0x05
	markUndefined   = 0x06
	markReference   = 0x07
	markECMAArray   = 0x08
	markObjectEnd   = 0x09
	markStrictArray = 0x0a
	markDate        = 0x0b
	markLongString  = 0x0c
	markUnsupported = 0x0d
	markXML         = 0x0f
	markTypedObject = 0x10
	markAMF3        = 0x11
)

// Unmarshal0 reads all values of an AMF0 message. Each is a float64, bool, string, nil, Undefined, Object,
// ECMAArray, StrictArray or Date. A value may switch to AMF3, as AMF3 commands do. References are read as
// Undefined. On an error it returns the values before it too.
func Unmarshal0(b []byte) ([]any, error) {
	r := &reader{b: b}
	var values []any
	for len(r.b) > 0 {
		v, err := r.value0(0)
		if err != nil {
			return values, err
		}
		values = append(values, v)
	}
	return values, nil
}

func (r *reader) value0(depth int) (any, error) {
	if err := r.node(depth); err != nil {
		return nil, err
	}
	mark, err := r.uint8()
	if err != nil {
		return nil, err
	}
	switch mark {
	case markNumber:
		return r.double()
	case markBoolean:
		b, err := r.uint8()
		return b != 0, err
	case markString:
		return r.string0()
	case markLongString, markXML:
		return r.longString0()
	case markNull:
		return nil, nil
	case markUndefined, markUnsupported:
		return Undefined{}, nil
	case markReference:
		_, err := r.uint16()
		return Undefined{}, err
	case markDate:
		return r.date0()
	case markAMF3:
		return (&reader3{reader: r}).value(depth + 1)
	default:
		return r.compound0(mark, depth)
	}
}

func (r *reader) compound0(mark byte, depth int) (any, error) {
	switch mark {
	case markObject:
		return r.members0(depth)
	case markTypedObject:
		if _, err := r.string0(); err != nil {
			return nil, err
		}
		return r.members0(depth)
	case markECMAArray:
		if _, err := r.uint32(); err != nil { // the count is a hint that many writers get wrong
			return nil, err
		}
		o, err := r.members0(depth)
		return ECMAArray(o), err
	case markStrictArray:
		return r.array0(depth)
	}
	return nil, fmt.Errorf("%w: unknown marker %#x", ErrInvalid, mark)
}

func (r *reader) string0() (string, error) {
	n, err := r.uint16()
	if err != nil {
		return "", err
	}
	return r.text(n)
}

func (r *reader) longString0() (string, error) {
	n, err := r.uint32()
	if err != nil {
		return "", err
	}
	return r.text(n)
}

func (r *reader) date0() (any, error) {
	d, err := r.date()
	if err != nil {
		return nil, err
	}
	_, err = r.uint16() // the time zone, reserved
	return d, err
}

// members0 reads members up to the end marker. A message that ends without one is taken as it is: some
// encoders leave it out.
func (r *reader) members0(depth int) (Object, error) {
	var o Object
	for len(r.b) > 0 {
		key, err := r.string0()
		if err != nil {
			return o, err
		}
		if key == "" && len(r.b) > 0 && r.b[0] == markObjectEnd {
			r.b = r.b[1:]
			return o, nil
		}
		v, err := r.value0(depth + 1)
		if err != nil {
			return o, err
		}
		o = append(o, Property{key, v})
	}
	return o, nil
}

func (r *reader) array0(depth int) (any, error) {
	n, err := r.uint32()
	if err != nil {
		return nil, err
	}
	if n > MaxNodes {
		return nil, fmt.Errorf("%w: an array of %d", ErrInvalid, n)
	}
	var a StrictArray
	for range n {
		v, err := r.value0(depth + 1)
		if err != nil {
			return a, err
		}
		a = append(a, v)
	}
	return a, nil
}
