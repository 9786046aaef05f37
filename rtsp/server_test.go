package rtsp_test

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v4"
	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/description"
	"github.com/bluenviron/gortsplib/v4/pkg/format"
	"github.com/pion/rtp"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/clip"
	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtsp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const patience = 20 * time.Second

var testKey = media.StreamKey{VHost: hook.DefaultVHost, App: "live", Name: "test"}

// start serves RTSP on a free port until the test ends.
func start(t testing.TB, mc media.Config, rc rtsp.Config) (*media.Server, string) {
	t.Helper()
	if mc.Logger == nil {
		mc.Logger = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	m, err := media.New(mc)
	require.NoError(t, err)
	s, err := rtsp.NewServer(m, rc)
	require.NoError(t, err)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	t.Cleanup(func() {
		require.NoError(t, m.Close())
		require.ErrorIs(t, <-served, rtsp.ErrServerClosed)
	})
	return m, ln.Addr().String()
}

// publishClip publishes H.264 and AAC to live/test until the test ends or stop is called.
func publishClip(t testing.TB, m *media.Server) (stop func()) {
	t.Helper()
	c, err := clip.Load(bytes.NewReader(testmedia.H264B()))
	require.NoError(t, err)
	pub, err := m.Publish(t.Context(), media.PublishRequest{Stream: testKey, Schema: "rtmp"})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	var playing sync.WaitGroup
	playing.Go(func() { _ = c.Play(ctx, pub) })
	stop = sync.OnceFunc(func() {
		cancel()
		playing.Wait()
		pub.Close(nil)
	})
	t.Cleanup(stop)
	await(t, m)
	return stop
}

func await(t testing.TB, m *media.Server) *media.Stream {
	t.Helper()
	deadline := time.Now().Add(patience)
	for time.Now().Before(deadline) {
		if st, ok := m.Stream(testKey); ok {
			_, err := st.Tracks(t.Context())
			require.NoError(t, err)
			return st
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("the stream does not come")
	return nil
}

func mustURL(t testing.TB, s string) *base.URL {
	t.Helper()
	u, err := base.ParseURL(s)
	require.NoError(t, err)
	return u
}

// track is what an independent client saw of one track.
type track struct {
	packets, gaps atomic.Int64
	last          uint16
}

func (k *track) take(p *rtp.Packet) {
	if k.packets.Add(1) > 1 && p.SequenceNumber != k.last+1 {
		k.gaps.Add(1)
	}
	k.last = p.SequenceNumber
}

// An independent client plays by every transport, and no packet is missing.
func TestPlay(t *testing.T) {
	tcp, udp := gortsplib.TransportTCP, gortsplib.TransportUDP
	for name, c := range map[string]struct {
		transport *gortsplib.Transport
		cfg       rtsp.Config
	}{
		"TCP":                   {&tcp, rtsp.Config{}},
		"UDP":                   {&udp, rtsp.Config{}},
		"UDP, ports of its own": {&udp, rtsp.Config{SessionPorts: true, PortRange: [2]int{41000, 41400}}},
		"UDP refused":           {nil, rtsp.Config{Transport: rtsp.TCP}},
	} {
		t.Run(name, func(t *testing.T) {
			m, addr := start(t, media.Config{}, c.cfg)
			stop := publishClip(t, m)
			u := mustURL(t, "rtsp://"+addr+"/live/test?token=x")
			client := &gortsplib.Client{Scheme: u.Scheme, Host: u.Host, Transport: c.transport, ReadTimeout: patience}
			require.NoError(t, client.Start2())
			defer client.Close()
			desc, _, err := client.Describe(u)
			require.NoError(t, err)
			require.Len(t, desc.Medias, 2)
			var h264 *format.H264
			require.NotNil(t, desc.FindFormat(&h264))
			require.NotEmpty(t, h264.SPS)
			var aac *format.MPEG4Audio
			require.NotNil(t, desc.FindFormat(&aac))
			require.NoError(t, client.SetupAll(desc.BaseURL, desc.Medias))
			var seen [2]track
			client.OnPacketRTPAny(func(media *description.Media, _ format.Format, p *rtp.Packet) {
				for i := range desc.Medias {
					if desc.Medias[i] == media {
						seen[i].take(p)
					}
				}
			})
			res, err := client.Play(nil)
			require.NoError(t, err)
			require.Contains(t, res.Header["RTP-Info"][0], "rtptime=")
			require.Contains(t, res.Header["RTP-Info"][0], "seq=")
			require.Eventually(t, func() bool { return seen[0].packets.Load() > 60 && seen[1].packets.Load() > 60 }, patience, 10*time.Millisecond)
			st, _ := m.Stream(testKey)
			here, all := st.Readers("rtsp")
			require.Equal(t, 1, here)
			require.Equal(t, 1, all)
			stop()
			require.Error(t, client.Wait())
			require.Zero(t, seen[0].gaps.Load()+seen[1].gaps.Load())
		})
	}
}

// Pictures of a stream that was published as RTSP by an independent client come out as they went in.
func TestPublish(t *testing.T) {
	for _, transport := range []gortsplib.Transport{gortsplib.TransportTCP, gortsplib.TransportUDP} {
		t.Run(transport.String(), func(t *testing.T) {
			m, addr := start(t, media.Config{Options: hook.StreamOptions{ContinuePush: new(time.Duration(0))}}, rtsp.Config{PortRange: [2]int{42000, 42400}})
			u := mustURL(t, "rtsp://"+addr+"/live/test")
			h264 := &format.H264{PayloadTyp: 96, PacketizationMode: 1}
			desc := &description.Session{Medias: []*description.Media{{Type: description.MediaTypeVideo, Formats: []format.Format{h264}}}}
			client := &gortsplib.Client{Transport: &transport}
			require.NoError(t, client.StartRecording(u.String(), desc))
			defer client.Close()
			enc, err := h264.CreateEncoder()
			require.NoError(t, err)
			big := bytes.Repeat([]byte{0x41, 7}, 4000)
			write := func(i int) {
				au := [][]byte{big}
				if i%10 == 0 {
					au = [][]byte{sps, pps, append([]byte{0x65}, big...)}
				}
				packets, err := enc.Encode(au)
				require.NoError(t, err)
				for _, p := range packets {
					p.Timestamp = uint32(i * 3600)
					require.NoError(t, client.WritePacketRTP(desc.Medias[0], p))
				}
				time.Sleep(5 * time.Millisecond)
			}
			write(0)
			write(1) // the sets come in band, with the first picture
			st := await(t, m)
			tracks, err := st.Tracks(t.Context())
			require.NoError(t, err)
			require.Equal(t, media.H264, tracks[0].Codec)
			require.Positive(t, tracks[0].Width)
			r := st.Read()
			defer r.Close()
			var got []*media.Packet
			for i := 2; i < 60; i++ {
				write(i)
				dst := make([]*media.Packet, 32)
				ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
				n, _ := r.ReadBatch(ctx, dst)
				cancel()
				got = append(got, dst[:n]...)
			}
			require.Greater(t, len(got), 40)
			require.True(t, got[0].Key)
			for i, p := range got {
				if i > 0 {
					require.Equal(t, 40*time.Millisecond, p.PTS-got[i-1].PTS)
				}
				want := len(big)
				if p.Key {
					want++
				}
				require.Len(t, p.Data, 4+want)
			}
		})
	}
}

var (
	sps = []byte{0x67, 0x64, 0x00, 0x0c, 0xac, 0x3b, 0x50, 0xb0, 0x4b, 0x42, 0x00, 0x00, 0x03, 0x00, 0x02, 0x00, 0x00, 0x03, 0x00, 0x3d, 0x08}
	pps = []byte{0x68, 0xee, 0x3c, 0x80}
)

// request sends a request over a connection and returns the response.
func request(t testing.TB, conn net.Conn, text string) string {
	t.Helper()
	require.NoError(t, conn.SetDeadline(time.Now().Add(patience)))
	_, err := conn.Write([]byte(strings.ReplaceAll(text, "\n", "\r\n") + "\r\n\r\n"))
	require.NoError(t, err)
	b := make([]byte, 64<<10)
	n, err := conn.Read(b)
	require.NoError(t, err, text)
	return string(b[:n])
}

func dial(t testing.TB, addr string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	return conn
}

func header(response, name string) string {
	for line := range strings.Lines(response) {
		if k, v, ok := strings.Cut(line, ":"); ok && strings.EqualFold(k, name) {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

func status(response string) string {
	line, _, _ := strings.Cut(response, "\r\n")
	return line
}

// A session belongs to its connection.
func TestSessionsAreBound(t *testing.T) {
	m, addr := start(t, media.Config{}, rtsp.Config{})
	publishClip(t, m)
	url := "rtsp://" + addr + "/live/test"
	a, b := dial(t, addr), dial(t, addr)
	res := request(t, a, "SETUP "+url+"/trackID=0 RTSP/1.0\nCSeq: 1\nTransport: RTP/AVP/TCP;unicast;interleaved=4-5;destination=10.9.8.7")
	require.Equal(t, "RTSP/1.0 200 OK", status(res))
	require.Contains(t, header(res, "Transport"), "interleaved=4-5")
	require.NotContains(t, header(res, "Transport"), "10.9.8.7")
	id, _, _ := strings.Cut(header(res, "Session"), ";")
	require.Len(t, id, 32)
	for _, method := range []string{"PLAY", "TEARDOWN", "PAUSE", "SETUP", "GET_PARAMETER"} {
		res = request(t, b, method+" "+url+" RTSP/1.0\nCSeq: 2\nSession: "+id+"\nTransport: RTP/AVP/TCP")
		require.Equal(t, "RTSP/1.0 454 Session Not Found", status(res), method)
		require.Equal(t, "2", header(res, "CSeq"))
	}
	res = request(t, b, "PLAY "+url+" RTSP/1.0\nCSeq: 3")
	require.Equal(t, "RTSP/1.0 455 Method Not Valid in This State", status(res))
	res = request(t, a, "PLAY "+url+" RTSP/1.0\nCSeq: 2\nSession: "+id)
	require.Equal(t, "RTSP/1.0 200 OK", status(res))
}

func TestMethods(t *testing.T) {
	m, addr := start(t, media.Config{PlayWait: -1}, rtsp.Config{})
	publishClip(t, m)
	url := "rtsp://" + addr + "/live/test"
	c := dial(t, addr)
	res := request(t, c, "OPTIONS * RTSP/1.0\nCSeq: 1")
	require.Equal(t, "OPTIONS, DESCRIBE, SETUP, TEARDOWN, PLAY, PAUSE, ANNOUNCE, RECORD, SET_PARAMETER, GET_PARAMETER", header(res, "Public"))
	for name, c := range map[string]struct{ text, want string }{
		"unknown method":  {"DANCE " + url + " RTSP/1.0\nCSeq: 1", "403"},
		"no stream":       {"DESCRIBE " + url + "x RTSP/1.0\nCSeq: 1", "404 Stream Not Found"},
		"no name":         {"DESCRIBE rtsp://h/live RTSP/1.0\nCSeq: 1", "404"},
		"announce, name":  {"ANNOUNCE rtsp://h/live RTSP/1.0\nCSeq: 1", "403"},
		"announce, SDP":   {"ANNOUNCE " + url + "2 RTSP/1.0\nCSeq: 1", "400"},
		"announce, taken": {"ANNOUNCE " + url + " RTSP/1.0\nCSeq: 1\nContent-Length: 29\n\nm=audio 0 RTP/AVP 8\na=x:yyyy", "406"},
		"no transport":    {"SETUP " + url + "/trackID=0 RTSP/1.0\nCSeq: 1", "461"},
		"encrypted":       {"SETUP " + url + "/trackID=0 RTSP/1.0\nCSeq: 1\nTransport: RTP/SAVP;client_port=5000-5001", "461"},
		"no such track":   {"SETUP " + url + "/trackID=7 RTSP/1.0\nCSeq: 1\nTransport: RTP/AVP/TCP", "404"},
		"aggregate":       {"SETUP " + url + " RTSP/1.0\nCSeq: 1\nTransport: RTP/AVP/TCP", "459"},
		"record":          {"RECORD " + url + " RTSP/1.0\nCSeq: 1", "455"},
		"pause":           {"PAUSE " + url + " RTSP/1.0\nCSeq: 1", "455"},
	} {
		res := request(t, dial(t, addr), c.text)
		require.Contains(t, status(res), " "+c.want, name)
	}
}

// A stream that comes later is waited for, by its own connection only.
func TestWaiting(t *testing.T) {
	m, addr := start(t, media.Config{PlayWait: patience}, rtsp.Config{})
	url := "rtsp://" + addr + "/live/test"
	described := make(chan string, 1)
	waiter := dial(t, addr)
	go func() { described <- request(t, waiter, "DESCRIBE "+url+" RTSP/1.0\nCSeq: 1") }()
	time.Sleep(50 * time.Millisecond)
	res := request(t, dial(t, addr), "OPTIONS * RTSP/1.0\nCSeq: 9")
	require.Equal(t, "9", header(res, "CSeq"))
	publishClip(t, m)
	require.Equal(t, "RTSP/1.0 200 OK", status(<-described))
}

// gate is a hook of all that RTSP asks.
type gate struct {
	realm   string
	reply   hook.RTSPAuthReply
	err     error
	plays   atomic.Int32
	realms  atomic.Int32
	publish error
}

func (g *gate) OnPublish(context.Context, *hook.PublishEvent) (hook.PublishReply, error) {
	return hook.PublishReply{}, g.publish
}

func (g *gate) OnPlay(context.Context, *hook.PlayEvent) error {
	g.plays.Add(1)
	return nil
}

func (g *gate) OnRTSPRealm(context.Context, *hook.RTSPRealmEvent) (string, error) {
	g.realms.Add(1)
	return g.realm, g.err
}

func (g *gate) OnRTSPAuth(_ context.Context, ev *hook.RTSPAuthEvent) (hook.RTSPAuthReply, error) {
	if ev.UserName != "ann" || ev.Realm != g.realm {
		return hook.RTSPAuthReply{}, hook.Deny(401, "who?")
	}
	return g.reply, nil
}

func TestAuthentication(t *testing.T) {
	for name, c := range map[string]struct {
		gate  *gate
		basic bool
		user  *url.Userinfo
		ok    bool
	}{
		"digest, plain password":    {&gate{realm: "r", reply: hook.RTSPAuthReply{Password: "pw"}}, false, url.UserPassword("ann", "pw"), true},
		"digest, HA1":               {&gate{realm: "r", reply: hook.RTSPAuthReply{Encrypted: true, Password: md5Hex("ann:r:pw")}}, false, url.UserPassword("ann", "pw"), true},
		"digest, wrong password":    {&gate{realm: "r", reply: hook.RTSPAuthReply{Password: "pw"}}, false, url.UserPassword("ann", "no"), false},
		"digest, unknown user":      {&gate{realm: "r", reply: hook.RTSPAuthReply{Password: "pw"}}, false, url.UserPassword("bob", "pw"), false},
		"digest, no user":           {&gate{realm: "r", reply: hook.RTSPAuthReply{Password: "pw"}}, false, nil, false},
		"basic":                     {&gate{realm: "r", reply: hook.RTSPAuthReply{Password: "pw"}}, true, url.UserPassword("ann", "pw"), true},
		"basic, wrong password":     {&gate{realm: "r", reply: hook.RTSPAuthReply{Password: "pw"}}, true, url.UserPassword("ann", "no"), false},
		"realm hook fails":          {&gate{err: hook.Deny(1, "no")}, false, url.UserPassword("ann", "pw"), false},
		"no realm: on_play decides": {&gate{}, false, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			m, addr := start(t, media.Config{Hooks: []hook.Hook{c.gate}}, rtsp.Config{BasicAuth: c.basic})
			publishClip(t, m)
			u := mustURL(t, "rtsp://"+addr+"/live/test")
			u.User = c.user
			client := &gortsplib.Client{Scheme: u.Scheme, Host: u.Host, ReadTimeout: patience}
			require.NoError(t, client.Start2())
			defer client.Close()
			_, _, err := client.Describe(u)
			require.Equal(t, c.ok, err == nil, "%v", err)
			require.EqualValues(t, 1, c.gate.realms.Load())
			if c.gate.realm != "" || c.gate.err != nil {
				require.Zero(t, c.gate.plays.Load(), "on_play is skipped")
			} else {
				require.EqualValues(t, 1, c.gate.plays.Load())
			}
		})
	}
}

// A wrong password gets a new nonce, and the connection ends.
func TestWrongPassword(t *testing.T) {
	m, addr := start(t, media.Config{Hooks: []hook.Hook{&gate{realm: "r", reply: hook.RTSPAuthReply{Password: "pw"}}}}, rtsp.Config{})
	publishClip(t, m)
	c := dial(t, addr)
	first := request(t, c, "DESCRIBE rtsp://h/live/test RTSP/1.0\nCSeq: 1")
	require.Contains(t, status(first), "401")
	second := request(t, c, `DESCRIBE rtsp://h/live/test RTSP/1.0`+"\nCSeq: 2\n"+
		`Authorization: Digest username="ann", realm="r", nonce="stale", uri="x", response="00"`)
	require.Contains(t, status(second), "401")
	require.NotEqual(t, header(first, "WWW-Authenticate"), header(second, "WWW-Authenticate"))
	n, err := c.Read(make([]byte, 1))
	require.Zero(t, n)
	require.Error(t, err)
}

// A refused publisher reads why.
func TestRefusedPublisher(t *testing.T) {
	_, addr := start(t, media.Config{Hooks: []hook.Hook{&gate{publish: hook.Deny(7, "not you")}}}, rtsp.Config{})
	res := request(t, dial(t, addr), "ANNOUNCE rtsp://h/live/test RTSP/1.0\nCSeq: 1\nContent-Length: 21\n\nm=audio 0 RTP/AVP 8")
	require.Equal(t, "RTSP/1.0 401 Unauthorized", status(res))
	require.Contains(t, res, "not you")
	require.Equal(t, "text/plain", header(res, "Content-Type"))
}
