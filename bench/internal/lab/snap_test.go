package lab

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCountRuns(t *testing.T) {
	require.Equal(t, Count{}, countRuns(""))
	require.Equal(t, Count{Begun: 4, AtOnce: 3}, countRuns("+\n-\n+\n+\n+\n-\n-\n-\n"))
}
