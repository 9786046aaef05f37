package tally

import (
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWaitSeesWhatIsAddedMeanwhile(t *testing.T) {
	var ty Tally
	ty.Wait()
	var ran atomic.Int32
	var spawn func(n int)
	spawn = func(n int) {
		ty.Go(func() {
			if n > 0 {
				spawn(n - 1)
			}
			ran.Add(1)
		})
	}
	spawn(100)
	ty.Wait()
	require.EqualValues(t, 101, ran.Load())
}
