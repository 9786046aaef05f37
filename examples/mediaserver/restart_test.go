package main

import (
	"log/slog"
	"net"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/api/config"
)

// asked notes on which address the port of RTSP was last to be opened, and opens any.
type asked struct {
	mu   sync.Mutex
	rtsp map[string]string // the address that was asked for, by the one there is
}

func (a *asked) open(network, addr string) (net.Listener, error) {
	ln, err := anyPort(network, addr)
	if err == nil {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.rtsp[ln.Addr().String()] = addr
	}
	return ln, err
}

// However a change and a restart fall together, the server that comes has bound the port that it reports, and a change that
// somebody was told of is in it.
func TestRestartBesideChanges(t *testing.T) {
	for round := range 10 {
		a := &asked{rtsp: map[string]string{}}
		f := &flags{demo: true}
		s, err := f.prepare(&successor{cfg: config.New()}, a.open, slog.New(slog.DiscardHandler))
		require.NoError(t, err)
		api := s.apiOptions(s.cfg).Config
		told, begin := make(chan int, 1), make(chan struct{})
		go func() {
			<-begin
			last := 0
			for port := 20000; port < 20000+50; port++ {
				if changed, _, err := api.Update(map[string]string{"rtsp.port": strconv.Itoa(port)}); changed != 1 || err != nil {
					break
				}
				last = port
			}
			told <- last
		}()
		close(begin)
		for range round {
			s.store.All() // some time
		}
		require.NoError(t, s.askRestart())
		last := <-told
		_, _, err = api.Update(map[string]string{"rtsp.port": "30000"})
		require.ErrorIs(t, err, errRestarting)
		next := s.takeNext()
		if last != 0 {
			require.Equal(t, last, next.cfg.Int("rtsp.port"))
		}
		require.Equal(t, address(next.cfg, next.cfg.Int("rtsp.port")), a.rtsp[next.ports["rtsp.port"].Addr().String()])
		require.Same(t, s.store.Config(), next.cfg)
		next.close()
		s.closeListeners()
		require.NoError(t, s.media.Close())
		require.NoError(t, s.hook.Close())
	}
}
