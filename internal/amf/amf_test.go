package amf

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestRoundTrip(t *testing.T) {
	values := []any{
		1.5, true, false, "text", strings.Repeat("x", 70000), nil,
		Undefined{},
		Object{{"a", 1.0}, {"b", Object{{"c", "d"}}}},
		ECMAArray{{"e", nil}},
		StrictArray{1.0, "two", StrictArray(nil)},
		Date{time.UnixMilli(1234567890123)},
	}
	got, err := Unmarshal0(Append(nil, values...))
	require.NoError(t, err)
	require.Equal(t, values, got)
}

func TestObjectLookup(t *testing.T) {
	o := Object{{"s", "x"}, {"n", 2.0}}
	require.Equal(t, "x", o.String("s"))
	require.Equal(t, "", o.String("n"))
	require.Equal(t, 2.0, o.Number("n"))
	require.Equal(t, o, Members(o))
	require.Equal(t, o, Members(ECMAArray(o)))
	require.Nil(t, Members("x"))
}

func TestOddInput(t *testing.T) {
	deep := bytes.Repeat([]byte{markStrictArray, 0, 0, 0, 1}, 1<<20)
	for name, c := range map[string]struct {
		in   []byte
		want []any
		ok   bool
	}{
		"empty":               {nil, nil, true},
		"unknown marker":      {[]byte{0x42}, nil, false},
		"short number":        {[]byte{0, 1, 2}, nil, false},
		"short string":        {[]byte{2, 0, 9, 'x'}, nil, false},
		"long string claimed": {[]byte{12, 255, 255, 255, 255, 'x'}, nil, false},
		"value before error":  {[]byte{5, 0x42}, []any{nil}, false},
		"huge array":          {[]byte{10, 255, 255, 255, 255}, nil, false},
		"deep":                {deep, nil, false},
		"many":                {bytes.Repeat([]byte{5}, MaxNodes+1), nil, false},
		"object without end":  {[]byte{3, 0, 1, 'a', 5}, []any{Object{{"a", nil}}}, true},
		"wrong ECMA count":    {[]byte{8, 0, 0, 0, 99, 0, 1, 'a', 5, 0, 0, 9}, []any{ECMAArray{{"a", nil}}}, true},
		"typed object":        {[]byte{16, 0, 1, 'T', 0, 1, 'a', 5, 0, 0, 9}, []any{Object{{"a", nil}}}, true},
		"date of NaN":         {[]byte{11, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0, 0, 0}, []any{Date{}}, true},
		"reference":           {[]byte{7, 0, 1}, []any{Undefined{}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Unmarshal0(c.in)
			if !c.ok {
				require.ErrorIs(t, err, ErrInvalid)
			} else {
				require.NoError(t, err)
			}
			if name != "many" {
				require.Equal(t, c.want, got)
			}
		})
	}
}

func TestAMF3(t *testing.T) {
	for name, c := range map[string]struct {
		in   []byte
		want any
	}{
		"undefined":        {[]byte{0}, Undefined{}},
		"null":             {[]byte{1}, nil},
		"true":             {[]byte{3}, true},
		"integer":          {[]byte{4, 0x81, 0x00}, 128.0},
		"negative":         {[]byte{4, 0xff, 0xff, 0xff, 0xff}, -1.0},
		"double":           {[]byte{5, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0}, 1.5},
		"string":           {[]byte{6, 0x03, 'a'}, "a"},
		"array":            {[]byte{9, 0x05, 0x01, 6, 0x03, 'a', 6, 0x00}, StrictArray{"a", "a"}},
		"named array":      {[]byte{9, 0x01, 0x03, 'k', 3, 0x01}, ECMAArray{{"k", true}}},
		"sealed object":    {[]byte{10, 0x13, 0x01, 0x03, 'k', 3}, Object{{"k", true}}},
		"dynamic object":   {[]byte{10, 0x0b, 0x01, 0x03, 'k', 3, 0x01}, Object{{"k", true}}},
		"object reference": {[]byte{10, 0x00}, Undefined{}},
		"date":             {[]byte{8, 0x01, 0, 0, 0, 0, 0, 0, 0, 0}, Date{time.UnixMilli(0)}},
		"bytes":            {[]byte{12, 0x05, 'h', 'i'}, "hi"},
	} {
		t.Run(name, func(t *testing.T) {
			got, rest, err := Unmarshal3(c.in)
			require.NoError(t, err)
			require.Empty(t, rest)
			require.Equal(t, c.want, got)
			all, err := Unmarshal0(append([]byte{markAMF3}, c.in...))
			require.NoError(t, err)
			require.Equal(t, []any{c.want}, all)
		})
	}
	for name, in := range map[string][]byte{
		"marker": {0x42}, "string reference": {6, 0x02}, "traits reference": {10, 0x05}, "externalizable": {10, 0x07, 1},
		"members": {10, 0xff, 0xff, 0xff, 0x03, 1}, "array": {9, 0xff, 0xff, 0xff, 0xff, 1}, "short": {5, 1},
	} {
		_, _, err := Unmarshal3(in)
		require.ErrorIs(t, err, ErrInvalid, name)
	}
}

func FuzzUnmarshal0(f *testing.F) {
	f.Add(Append(nil, "connect", 1.0, Object{{"app", "live"}, {"a", StrictArray{1.0, ECMAArray{{"b", true}}}}}))
	f.Add([]byte{markAMF3, 10, 0x13, 0x01, 0x03, 'k', 3})
	f.Fuzz(func(t *testing.T, b []byte) {
		values, err := Unmarshal0(b)
		if err != nil {
			require.ErrorIs(t, err, ErrInvalid)
			return
		}
		wire := Append(nil, values...)
		again, err := Unmarshal0(wire)
		require.NoError(t, err)
		require.Len(t, again, len(values))
		require.Equal(t, wire, Append(nil, again...)) // not the values: a NaN is not equal to itself
	})
}

func FuzzUnmarshal3(f *testing.F) {
	f.Add([]byte{10, 0x0b, 0x01, 0x03, 'k', 9, 0x05, 0x01, 6, 0x03, 'a', 6, 0x00, 0x01})
	f.Fuzz(func(t *testing.T, b []byte) {
		_, rest, err := Unmarshal3(b)
		require.LessOrEqual(t, len(rest), len(b))
		if err != nil {
			require.ErrorIs(t, err, ErrInvalid)
		}
	})
}
