package gb28181_test

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/gb28181"
	"github.com/sluice-media/sluice/media"
)

// What a device sends by each transport is what its stream has.
func TestReceive(t *testing.T) {
	for name, mode := range map[string]gb28181.Mode{"UDP": gb28181.UDP, "TCP passive": gb28181.TCPPassive, "TCP active": gb28181.TCPActive} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, s := start(t, media.Config{}, gb28181.Config{})
			p, err := s.Open(t.Context(), gb28181.Request{Stream: camera, Mode: mode})
			require.NoError(t, err)
			_, err = s.Open(t.Context(), gb28181.Request{Stream: camera})
			require.ErrorIs(t, err, gb28181.ErrExists)
			require.Equal(t, []gb28181.PortStatus{{Port: *p}}, s.Ports())
			var write func([]byte) error
			switch mode {
			case gb28181.UDP:
				write = toUDP(t, p.Number)
			case gb28181.TCPPassive:
				write = toTCP(t, dialTCP(t, p.Number))
			case gb28181.TCPActive:
				ln, err := net.Listen("tcp4", "127.0.0.1:0")
				require.NoError(t, err)
				defer ln.Close()
				require.NoError(t, s.Connect(t.Context(), camera, "127.0.0.1", ln.Addr().(*net.TCPAddr).Port))
				conn, err := ln.Accept()
				require.NoError(t, err)
				write = toTCP(t, conn)
			}
			d := newDevice(t, write)
			done := make(chan struct{})
			go func() {
				defer close(done)
				d.send(0, len(d.packets))
			}()
			requireRun(t, await(t, m, camera), d.packets, 150)
			<-done
			peer, ok := s.Peer(camera)
			require.True(t, ok)
			require.Equal(t, "camera", peer.ID)
			require.Equal(t, "rtp", peer.Schema)
			if mode != gb28181.TCPActive {
				require.EqualValues(t, p.Number, peer.Local.Port())
			}
			require.True(t, s.ClosePort(camera))
			_, ok = m.Stream(camera)
			require.False(t, ok)
			require.False(t, s.ClosePort(camera))
			require.Empty(t, s.Ports())
		})
	}
}
