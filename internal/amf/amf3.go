package amf

import "fmt"

// The markers of AMF3, section 3.1.
const (
	mark3Undefined = 0x00
	mark3Null      = 0x01
	mark3False     = 0x02
	mark3True      = 0x03
	mark3Integer   = 0x04
	mark3Double    = 0x05
	mark3String    = 0x06
	mark3XMLDoc    = 0x07
	mark3Date      = 0x08
	mark3Array     = 0x09
	mark3Object    = 0x0a
	mark3XML       = 0x0b
	mark3ByteArray = 0x0c
)

// Unmarshal3 reads one AMF3 value and returns what is behind it.
func Unmarshal3(b []byte) (v any, rest []byte, err error) {
	r := &reader{b: b}
	v, err = (&reader3{reader: r}).value(0)
	return v, r.b, err
}

// reader3 reads AMF3: strings and the shapes of objects may be referred to again by number. Objects that
// refer to earlier objects are read as Undefined.
type reader3 struct {
	*reader
	strings []string
	traits  []traits
}

type traits struct {
	names   []string
	dynamic bool
}

func (r *reader3) value(depth int) (any, error) {
	if err := r.node(depth); err != nil {
		return nil, err
	}
	mark, err := r.uint8()
	if err != nil {
		return nil, err
	}
	switch mark {
	case mark3Undefined:
		return Undefined{}, nil
	case mark3Null:
		return nil, nil
	case mark3False, mark3True:
		return mark == mark3True, nil
	case mark3Integer:
		n, err := r.u29()
		return float64(int32(n<<3) >> 3), err // 29 bits, signed
	case mark3Double:
		return r.double()
	case mark3String:
		return r.string()
	case mark3XMLDoc, mark3XML, mark3ByteArray:
		return r.blob()
	case mark3Date:
		return r.date()
	case mark3Array:
		return r.array(depth)
	case mark3Object:
		return r.object(depth)
	}
	return nil, fmt.Errorf("%w: unknown AMF3 marker %#x", ErrInvalid, mark)
}

// u29 reads a variable-length integer, section 1.3.1.
func (r *reader3) u29() (uint32, error) {
	var n uint32
	for i := range 4 {
		b, err := r.uint8()
		if err != nil {
			return 0, err
		}
		if i == 3 {
			return n<<8 | uint32(b), nil
		}
		n = n<<7 | uint32(b&0x7f)
		if b < 0x80 {
			break
		}
	}
	return n, nil
}

// header reads a U29 whose low bit says that a value follows, not a reference.
func (r *reader3) header() (n int, inline bool, err error) {
	u, err := r.u29()
	return int(u >> 1), u&1 != 0, err
}

func (r *reader3) string() (string, error) {
	n, inline, err := r.header()
	if err != nil {
		return "", err
	}
	if !inline {
		if n >= len(r.strings) {
			return "", fmt.Errorf("%w: no string %d to refer to", ErrInvalid, n)
		}
		return r.strings[n], nil
	}
	s, err := r.text(n)
	if err == nil && s != "" {
		r.strings = append(r.strings, s)
	}
	return s, err
}

func (r *reader3) blob() (any, error) {
	n, inline, err := r.header()
	if err != nil || !inline {
		return Undefined{}, err
	}
	return r.text(n)
}

func (r *reader3) date() (any, error) {
	_, inline, err := r.header()
	if err != nil || !inline {
		return Undefined{}, err
	}
	return r.reader.date()
}

// array reads the named part, then the numbered one; with names it becomes an ECMAArray.
func (r *reader3) array(depth int) (any, error) {
	n, inline, err := r.header()
	if err != nil || !inline {
		return Undefined{}, err
	}
	named, err := r.named(depth)
	if err != nil {
		return nil, err
	}
	if n > MaxNodes {
		return nil, fmt.Errorf("%w: an array of %d", ErrInvalid, n)
	}
	var a StrictArray
	for range n {
		v, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		a = append(a, v)
	}
	if len(named) > 0 {
		return ECMAArray(named), nil
	}
	return a, nil
}

// named reads members up to an empty name.
func (r *reader3) named(depth int) (Object, error) {
	var o Object
	for {
		key, err := r.string()
		if err != nil || key == "" {
			return o, err
		}
		v, err := r.value(depth + 1)
		if err != nil {
			return o, err
		}
		o = append(o, Property{key, v})
	}
}

func (r *reader3) object(depth int) (any, error) {
	n, inline, err := r.header()
	if err != nil || !inline {
		return Undefined{}, err
	}
	t, err := r.shape(n)
	if err != nil {
		return nil, err
	}
	var o Object
	for _, name := range t.names {
		v, err := r.value(depth + 1)
		if err != nil {
			return o, err
		}
		o = append(o, Property{name, v})
	}
	if !t.dynamic {
		return o, nil
	}
	more, err := r.named(depth)
	return append(o, more...), err
}

// shape returns the traits of an object whose header is n, section 3.12.
func (r *reader3) shape(n int) (traits, error) {
	if n&1 == 0 {
		if n>>1 >= len(r.traits) {
			return traits{}, fmt.Errorf("%w: no traits %d to refer to", ErrInvalid, n>>1)
		}
		return r.traits[n>>1], nil
	}
	if n&2 != 0 {
		return traits{}, fmt.Errorf("%w: an externalizable object", ErrInvalid)
	}
	t := traits{dynamic: n&4 != 0}
	if _, err := r.string(); err != nil { // the name of the class
		return t, err
	}
	count := n >> 3
	if count > MaxNodes {
		return t, fmt.Errorf("%w: an object of %d members", ErrInvalid, count)
	}
	for range count {
		name, err := r.string()
		if err != nil {
			return t, err
		}
		t.names = append(t.names, name)
	}
	r.traits = append(r.traits, t)
	return t, nil
}
