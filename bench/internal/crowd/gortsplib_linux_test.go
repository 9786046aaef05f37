package crowd

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/pion/rtp"
	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/bench/internal/flvtest"
	"github.com/sluice-media/sluice/bench/internal/publish"
)

// relay is a server made of another library: what is recorded at a path is played from it.
type relay struct {
	server  *gortsplib.Server
	mu      sync.Mutex
	streams map[string]*gortsplib.ServerStream
}

func startRelay(t *testing.T) *url.URL {
	t.Helper()
	var host string
	listen := func(network, address string) (net.Listener, error) {
		l, err := net.Listen(network, address)
		if err == nil {
			host = l.Addr().String()
		}
		return l, err
	}
	r := &relay{streams: map[string]*gortsplib.ServerStream{}}
	for range 10 { // until nobody else has the ports
		p, err := openPair([]byte{127, 0, 0, 1})
		require.NoError(t, err)
		p.close()
		r.server = &gortsplib.Server{
			Handler: r, RTSPAddress: "127.0.0.1:0", Listen: listen,
			UDPRTPAddress: fmt.Sprintf("127.0.0.1:%d", p.port), UDPRTCPAddress: fmt.Sprintf("127.0.0.1:%d", p.port+1),
		}
		if err = r.server.Start(); err == nil {
			break
		}
		r.server = nil
	}
	require.NotNil(t, r.server)
	t.Cleanup(r.close)
	return &url.URL{Scheme: "rtsp", Host: host, Path: "/live/a"}
}

// close ends the streams, which are not the server's, and the server.
func (r *relay) close() {
	r.mu.Lock()
	for _, s := range r.streams {
		s.Close()
	}
	r.mu.Unlock()
	r.server.Close()
}

func (r *relay) find(path string) *gortsplib.ServerStream {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.streams[path]
}

func answer(s *gortsplib.ServerStream) (*base.Response, *gortsplib.ServerStream, error) {
	if s == nil {
		return &base.Response{StatusCode: base.StatusNotFound}, nil, nil
	}
	return &base.Response{StatusCode: base.StatusOK}, s, nil
}

func (r *relay) OnDescribe(c *gortsplib.ServerHandlerOnDescribeCtx) (*base.Response, *gortsplib.ServerStream, error) {
	return answer(r.find(c.Path))
}

func (r *relay) OnAnnounce(c *gortsplib.ServerHandlerOnAnnounceCtx) (*base.Response, error) {
	s := &gortsplib.ServerStream{Server: r.server, Desc: c.Description}
	if err := s.Initialize(); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.streams[c.Path] = s
	return &base.Response{StatusCode: base.StatusOK}, nil
}

func (r *relay) OnSetup(c *gortsplib.ServerHandlerOnSetupCtx) (*base.Response, *gortsplib.ServerStream, error) {
	if c.Session.State() == gortsplib.ServerSessionStatePreRecord {
		return &base.Response{StatusCode: base.StatusOK}, nil, nil
	}
	return answer(r.find(c.Path))
}

func (r *relay) OnPlay(*gortsplib.ServerHandlerOnPlayCtx) (*base.Response, error) {
	return &base.Response{StatusCode: base.StatusOK}, nil
}

func (r *relay) OnRecord(c *gortsplib.ServerHandlerOnRecordCtx) (*base.Response, error) {
	s := r.find(c.Path)
	c.Session.OnPacketRTPAny(func(m *description.Media, _ format.Format, p *rtp.Packet) { _ = s.WritePacketRTP(m, p) })
	return &base.Response{StatusCode: base.StatusOK}, nil
}

// keyFrames is a clip of one packet for each picture, all of them key frames: the relay lets players begin anywhere.
func keyFrames() []byte {
	b := append(flvtest.Header(), flvtest.Tag(flvtest.Video, 0, flvtest.AVCConfigWithSets())...)
	b = append(b, flvtest.Tag(flvtest.Audio, 0, flvtest.AACConfig())...)
	for i := range 10 {
		b = append(b, flvtest.Tag(flvtest.Video, uint32(i*40), flvtest.AVCPicture(true, 1000))...)
		b = append(b, flvtest.Tag(flvtest.Audio, uint32(i*40+10), flvtest.AACFrame(100))...)
	}
	return b
}

// publishTo publishes streams to u until the test ends.
func publishTo(t *testing.T, u *url.URL, streams int) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ready, done := make(chan struct{}), make(chan error, 1)
	cfg := publish.Config{Proto: "rtsp", URL: u, N: streams, Clip: keyFrames()}
	go func() { done <- publish.Run(ctx, cfg, func() { close(ready) }) }()
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
	})
	select {
	case <-ready:
	case err := <-done:
		done <- err
		require.NoError(t, err)
	}
}

func TestRunRTSP(t *testing.T) {
	for _, proto := range []string{"rtsp", "rtsp-udp"} {
		t.Run(proto, func(t *testing.T) {
			noLeaks(t)
			u := startRelay(t)
			publishTo(t, u, 3)
			res := runShortly(t, Config{
				Proto: proto, URL: u, N: 9, Streams: 3, Samples: 2, Probes: 2, Settle: 2100 * time.Millisecond,
				Setups: 1, // v4.16.2 of the library has a race between two that begin to play by UDP
			})
			require.Empty(t, res.Faults)
			require.Zero(t, res.Lost)
			require.Zero(t, res.Missing)
			require.Zero(t, res.Gaps)
			require.Zero(t, res.Stalled)
			require.Positive(t, res.Pictures)
			require.Equal(t, 2, res.KeyMS.N)
			require.InDelta(t, 25*1120+25*130, res.Rate, 6000, "bytes per second of one player")
		})
	}
}

func TestRunRTSPCountsRefusals(t *testing.T) {
	noLeaks(t)
	u := startRelay(t)
	for _, proto := range []string{"rtsp", "rtsp-udp"} {
		res := runShortly(t, Config{Proto: proto, URL: u, N: 3, Samples: 1, Probes: 1})
		require.Equal(t, 4, res.Lost)
		require.Contains(t, res.Faults[0], "404")
	}
}

func TestRunUDPCannotFreeze(t *testing.T) {
	t.Parallel()
	u := &url.URL{Host: "127.0.0.1:1"}
	_, err := Run(context.Background(), Config{Proto: "rtsp-udp", URL: u, N: 1, Frozen: 1, FreezeFor: 1, Window: 1})
	require.ErrorContains(t, err, "UDP")
}
