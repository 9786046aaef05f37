package leftout

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// Each reason is said once; of too many, that there are more.
func TestReasons(t *testing.T) {
	var said []string
	r := New(func(err error) { said = append(said, err.Error()) })
	for i := range 3 * maxReasons {
		r.Add(errors.New("first"))
		r.Add(fmt.Errorf("number %d", i))
	}
	require.Len(t, r.List(), maxReasons)
	require.Equal(t, r.List(), said[:maxReasons])
	require.Len(t, said, maxReasons+1)
	require.Contains(t, said[maxReasons], "more reasons")
}
