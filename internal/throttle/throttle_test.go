package throttle

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var x Throttle
		for round := range 3 {
			n, ok := x.Ready()
			require.True(t, ok)
			require.Equal(t, []int{1, 100, 100}[round], n)
			for range 99 {
				_, ok = x.Ready()
				require.False(t, ok)
			}
			time.Sleep(every)
		}
	})
}
