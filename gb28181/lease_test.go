package gb28181_test

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/gb28181"
	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
)

// Ports that are opened and closed by many at once, with peers that do not hang up, are never another's, and all come back.
func TestPortsComeBack(t *testing.T) {
	const pairs, workers, times = 25, 8, 150
	_, s := start(t, media.Config{}, gb28181.Config{PortRange: [2]int{48600, 48600 + 2*pairs - 1}})
	key := func(i, k int) media.StreamKey {
		return media.StreamKey{VHost: hook.DefaultVHost, App: "rtp", Name: fmt.Sprintf("%d-%d", i, k)}
	}
	var (
		mu      sync.Mutex
		had     = map[int]bool{}
		hangers []net.Conn
		work    sync.WaitGroup
	)
	defer func() {
		for _, conn := range hangers {
			conn.Close()
		}
	}()
	for i := range workers {
		work.Go(func() {
			for k := range times {
				p, err := s.Open(t.Context(), gb28181.Request{Stream: key(i, k), Mode: gb28181.Mode(k % 2)})
				if errors.Is(err, media.ErrNoPorts) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				if had[p.Number] {
					t.Errorf("two have the port %d", p.Number)
				}
				had[p.Number] = true
				mu.Unlock()
				if p.Mode == gb28181.TCPPassive {
					if conn, err := net.Dial("tcp4", fmt.Sprintf("127.0.0.1:%d", p.Number)); err == nil {
						mu.Lock()
						hangers = append(hangers, conn) // it stays half closed
						mu.Unlock()
					}
				}
				mu.Lock()
				had[p.Number] = false
				mu.Unlock()
				if !s.ClosePort(key(i, k)) {
					t.Error("it was open")
				}
			}
		})
	}
	work.Wait()
	require.Empty(t, s.Ports())
	for k := range pairs {
		_, err := s.Open(t.Context(), gb28181.Request{Stream: key(0, k)})
		require.NoError(t, err, "port %d of %d", k, pairs)
	}
	_, err := s.Open(t.Context(), gb28181.Request{Stream: key(1, 0)})
	require.ErrorIs(t, err, media.ErrNoPorts)
	require.Len(t, s.Ports(), pairs)
}
