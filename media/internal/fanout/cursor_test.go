package fanout

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// Who comes at the very moment of the first start point begins with it, not with the next.
func TestCursorAtTheFirstStart(t *testing.T) {
	for range 20_000 {
		log := NewLog[int](Limits{Bytes: 1 << 20, Items: 16})
		var together sync.WaitGroup
		together.Go(func() { log.Append(1, 1, true) })
		c := NewCursor(log)
		together.Wait()
		e, _ := c.peek()
		require.NotNil(t, e)
	}
}
