package wire

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAMFRoundTrip(t *testing.T) {
	t.Parallel()
	b := appendAMF(nil, "connect", 1.0, true, nil, []field{{"app", "live"}, {"inner", []field{{"n", 2.5}}}})
	values, err := parseAMF(b)
	require.NoError(t, err)
	require.Equal(t, []any{
		"connect", 1.0, true, nil,
		map[string]any{"app": "live", "inner": map[string]any{"n": 2.5}},
	}, values)
}

func TestAMFOtherTypes(t *testing.T) {
	t.Parallel()
	b := []byte{amfUndefined}
	b = append(b, amfLongString, 0, 0, 0, 2, 'h', 'i')
	b = append(b, amfDate, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	b = append(b, amfECMAArray, 0, 0, 0, 1, 0, 1, 'a', amfBool, 0, 0, 0, amfObjectEnd)
	b = append(b, amfStrictArray, 0, 0, 0, 2, amfNull, amfBool, 1)
	values, err := parseAMF(b)
	require.NoError(t, err)
	require.Equal(t, []any{nil, "hi", nil, map[string]any{"a": false}, []any{nil, true}}, values)
}

func TestAMFRefusesBadBytes(t *testing.T) {
	t.Parallel()
	for name, b := range map[string][]byte{
		"short number":   {amfNumber, 1, 2},
		"short string":   {amfString, 0, 9, 'x'},
		"open object":    {amfObject, 0, 1, 'a'},
		"unknown marker": {0x42},
		"huge array":     {amfStrictArray, 0xFF, 0xFF, 0xFF, 0xFF},
		"too deep":       bytes.Repeat([]byte{amfStrictArray, 0, 0, 0, 1}, 40),
		"too many":       bytes.Repeat([]byte{amfNull}, amfMaxNodes+1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := parseAMF(b)
			require.ErrorIs(t, err, ErrMalformed)
		})
	}
}
