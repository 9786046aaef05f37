package rtsp

import (
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/rtp/datagram"
)

// Of all that comes to a socket, one address and port counts.
func TestOrigin(t *testing.T) {
	at := netip.MustParseAddrPort
	type step struct {
		from string
		want bool
	}
	client := netip.MustParseAddr("192.0.2.1")
	for name, c := range map[string]struct {
		origin *origin
		steps  []step
	}{
		"the port that was named": {&origin{addr: client, named: 5000}, []step{
			{"192.0.2.2:5000", false}, {"192.0.2.1:5000", true}, {"192.0.2.1:5002", false}, {"[::ffff:192.0.2.1]:5000", true},
		}},
		"the first that sends": {&origin{addr: client, named: 5000}, []step{
			{"192.0.2.1:6000", true}, {"192.0.2.1:6002", false}, {"192.0.2.1:6000", true},
		}},
		"the named one after another": {&origin{addr: client, named: 5000}, []step{
			{"192.0.2.1:6000", true}, {"192.0.2.1:5000", true}, {"192.0.2.1:6000", false},
		}},
		"a group": {&origin{}, []step{
			{"192.0.2.7:1234", true}, {"192.0.2.1:1234", false}, {"192.0.2.7:1235", false}, {"192.0.2.7:1234", true},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			for i, s := range c.steps {
				require.Equal(t, s.want, c.origin.takes(at(s.from)), "%d: %s", i, s.from)
			}
		})
	}
	var source origin
	reports := origin{with: &source}
	require.False(t, reports.takes(at("192.0.2.9:5001")), "a receiver's, before the sender is known")
	require.True(t, source.takes(at("192.0.2.7:5000")))
	require.False(t, reports.takes(at("192.0.2.9:5001")))
	require.True(t, reports.takes(at("192.0.2.7:5001")))
	require.False(t, reports.takes(at("192.0.2.7:5003")))
}

// A socket is looked at when something comes, and again and again only while packets wait.
func TestListenerRests(t *testing.T) {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	peer, err := net.DialUDP("udp4", nil, conn.LocalAddr().(*net.UDPAddr))
	require.NoError(t, err)
	defer peer.Close()
	taken, flushed := make(chan string, 8), atomic.Int64{}
	l := newListener(datagram.NewSocket(conn), &origin{}, func(b []byte, _ time.Time) bool {
		taken <- string(b)
		return string(b) == "early"
	}, func(time.Time) bool { return flushed.Add(1) < 3 })
	ended := make(chan struct{})
	go func() {
		l.listen()
		close(ended)
	}()
	say := func(text string) {
		_, err := peer.Write([]byte(text))
		require.NoError(t, err)
		require.Equal(t, text, <-taken)
	}
	say("in order")
	time.Sleep(3 * flushEvery)
	require.Zero(t, flushed.Load())
	say("early")
	require.Eventually(t, func() bool { return flushed.Load() == 3 }, 20*time.Second, time.Millisecond)
	time.Sleep(3 * flushEvery)
	require.EqualValues(t, 3, flushed.Load(), "nothing waits any more")
	say("in order again")
	conn.Close()
	<-ended
}
