package relay

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/clip"
	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtsp"
)

// camera is a simulated one: a server of RTSP that asks for a password, behind a line that can be cut.
type camera struct {
	t        *testing.T
	media    *media.Server
	upstream string
	addr     string
	password atomic.Pointer[string]
	stop     func() // ends what is on show

	mu    sync.Mutex
	ln    net.Listener
	lines map[*line]bool
	fault fault
	ended sync.WaitGroup
}

// fault is what is wrong with a camera. The zero value is nothing.
type fault struct {
	dark     bool          // it has no power: nothing goes over its lines, and none is closed
	denies   bool          // it says 401 to SETUP
	describe time.Duration // before its answer to DESCRIBE
	noRTCP   bool
	silent   bool // no media
}

// line is a connection of a client, and that to the server behind it.
type line struct{ client, server net.Conn }

// reset ends a line as a machine does that knows nothing of it any more (RFC 9293, 3.5.2).
func (l *line) reset() {
	if c, ok := l.client.(*net.TCPConn); ok {
		_ = c.SetLinger(0)
	}
	l.client.Close()
	l.server.Close()
}

func newCamera(t *testing.T) *camera {
	t.Helper()
	c := &camera{t: t, lines: map[*line]bool{}, stop: func() {}}
	c.password.Store(new("secret"))
	m, err := media.New(media.Config{PlayWait: -1, Options: hook.StreamOptions{ContinuePush: new(time.Duration(0))}, Hooks: []hook.Hook{hook.Funcs{
		OnRTSPRealm: func(context.Context, *hook.RTSPRealmEvent) (string, error) { return "camera", nil },
		OnRTSPAuth: func(context.Context, *hook.RTSPAuthEvent) (hook.RTSPAuthReply, error) {
			return hook.RTSPAuthReply{Password: *c.password.Load()}, nil
		},
	}}})
	require.NoError(t, err)
	s, err := rtsp.NewServer(m, rtsp.Config{})
	require.NoError(t, err)
	ln := listen(t, "127.0.0.1:0")
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	c.media, c.upstream, c.addr = m, ln.Addr().String(), "127.0.0.1:0"
	c.on()
	t.Cleanup(func() {
		c.off()
		c.stop()
		require.NoError(t, m.Close())
		<-served
		c.ended.Wait()
	})
	return c
}

// on gives the camera its address.
func (c *camera) on() {
	ln := listen(c.t, c.addr)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ln, c.addr = ln, ln.Addr().String()
	c.ended.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			c.ended.Go(func() { c.connect(conn) })
		}
	})
}

// off takes its address away, and resets its lines.
func (c *camera) off() {
	c.mu.Lock()
	c.ln.Close()
	c.mu.Unlock()
	c.set(fault{})
}

// set sets what is wrong with the camera, and resets its lines unless it has lost its power.
func (c *camera) set(f fault) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fault = f
	if f.dark {
		return
	}
	for l := range c.lines {
		l.reset()
	}
}

func (c *camera) is() fault {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.fault
}

func (c *camera) connect(conn net.Conn) {
	server, err := net.Dial("tcp", c.upstream)
	if err != nil {
		conn.Close()
		return
	}
	l := &line{conn, server}
	c.mu.Lock()
	c.lines[l] = true
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.lines, l)
		l.reset()
	}()
	var asking sync.WaitGroup
	defer asking.Wait()
	defer server.Close()
	asking.Go(func() {
		b := make([]byte, 4096)
		for {
			n, err := conn.Read(b)
			if err != nil && !c.is().dark {
				server.Close()
			}
			if err != nil {
				return
			}
			if !c.is().dark {
				_, _ = server.Write(b[:n])
			}
		}
	})
	from := bufio.NewReader(server)
	for {
		message, err := next(from)
		if err != nil {
			return
		}
		if message = c.pass(message); len(message) > 0 {
			if _, err := conn.Write(message); err != nil {
				return
			}
		}
	}
}

// next reads an interleaved frame or a response with its body.
func next(from *bufio.Reader) ([]byte, error) {
	head, err := from.Peek(4)
	if err != nil {
		return nil, err
	}
	if head[0] == '$' {
		b := make([]byte, 4+int(binary.BigEndian.Uint16(head[2:])))
		_, err := io.ReadFull(from, b)
		return b, err
	}
	var b []byte
	length := 0
	for {
		text, err := from.ReadString('\n')
		if err != nil {
			return nil, err
		}
		b = append(b, text...)
		if v, ok := strings.CutPrefix(strings.ToLower(text), "content-length:"); ok {
			length, _ = strconv.Atoi(strings.TrimSpace(v))
		}
		if text == "\r\n" {
			break
		}
	}
	body := make([]byte, length)
	_, err = io.ReadFull(from, body)
	return append(b, body...), err
}

// pass returns what comes of a message of the server on a line of this camera.
func (c *camera) pass(message []byte) []byte {
	f := c.is()
	isMedia := message[0] == '$'
	switch {
	case f.dark, isMedia && f.silent, isMedia && f.noRTCP && message[1]%2 == 1:
		return nil
	case !isMedia && f.denies && bytes.Contains(message, []byte("\r\nTransport:")):
		_, cseq, _ := strings.Cut(string(message), "CSeq: ")
		cseq, _, _ = strings.Cut(cseq, "\r\n")
		return []byte("RTSP/1.0 401 Unauthorized\r\nCSeq: " + cseq + "\r\n\r\n")
	case !isMedia && f.describe > 0 && bytes.Contains(message, []byte("application/sdp")):
		time.Sleep(f.describe)
	}
	return message
}

// show shows one of three things: H.264 of two sizes, with sound, or H.265 without.
func (c *camera) show(what int) {
	c.stop()
	pub, err := c.media.Publish(c.t.Context(), media.PublishRequest{Stream: media.StreamKey{App: "live", Name: "cam"}})
	require.NoError(c.t, err)
	var play func(ctx context.Context) error
	if what%3 == 1 {
		play = func(ctx context.Context) error { return playH265(ctx, pub) }
	} else {
		film, err := clip.Load(bytes.NewReader([][]byte{testmedia.H264(), 2: testmedia.Demo()}[what%3]))
		require.NoError(c.t, err)
		play = func(ctx context.Context) error { return film.Play(ctx, pub) }
	}
	ctx, cancel := context.WithCancel(context.Background())
	var playing sync.WaitGroup
	playing.Go(func() { _ = play(ctx) })
	c.stop = func() {
		cancel()
		playing.Wait()
		pub.Close(nil)
	}
	require.Eventually(c.t, func() bool {
		_, ok := c.media.Stream(media.StreamKey{App: "live", Name: "cam"})
		return ok
	}, patience, time.Millisecond)
}

// playH265 publishes the first picture of a clip, 25 times a second.
func playH265(ctx context.Context, pub *media.Publisher) error {
	track := &media.Track{ID: 1, Codec: media.H265, ClockRate: 90000}
	if err := pub.SetTracks(track); err != nil {
		return err
	}
	var picture []byte
	for unit := range bytes.SplitSeq(testmedia.H265(), []byte{0, 0, 1}) {
		if unit = bytes.TrimRight(unit, "\x00"); len(unit) < 3 {
			continue
		}
		picture = append(binary.BigEndian.AppendUint32(picture, uint32(len(unit))), unit...)
		if unit[0]>>1&63 < 32 { // a slice
			break
		}
	}
	ticker := time.NewTicker(40 * time.Millisecond)
	defer ticker.Stop()
	for at := time.Duration(0); ; at += 40 * time.Millisecond {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
		if err := pub.WritePacket(&media.Packet{Track: track, DTS: at, PTS: at, Key: true, Data: picture}); err != nil {
			return err
		}
	}
}

// spectator watches a stream, and is never to be dropped.
type spectator struct {
	player *media.Player
	got    atomic.Int64 // pictures
	others atomic.Int64 // packets
	codec  atomic.Int64 // of the newest
	ended  chan error
}

func newSpectator(t *testing.T, m *media.Server) *spectator {
	t.Helper()
	player, err := m.Play(t.Context(), media.PlayRequest{Stream: edge, Schema: "rtmp"})
	require.NoError(t, err)
	s := &spectator{player: player, ended: make(chan error, 1)}
	r := player.Stream().Read()
	go func() {
		defer r.Close()
		batch := make([]*media.Packet, 64)
		for {
			n, err := r.ReadBatch(context.Background(), batch) // it ends with the stream
			if err != nil {
				s.ended <- err
				return
			}
			for _, p := range batch[:n] {
				if !p.Track.Codec.Video() {
					s.others.Add(1)
					continue
				}
				s.codec.Store(int64(p.Track.Codec))
				s.got.Add(1)
			}
		}
	}()
	return s
}

// trouble is a kind of fault. begin makes it, and seen reports whether the pull has noticed, so that it may end: by end, or by nothing being wrong
// any more.
type trouble struct {
	name  string
	begin func(c *camera, cycle int)
	seen  func(s Status) bool
	end   func(c *camera)
}

func denied(s Status) bool {
	e, ok := errors.AsType[*rtsp.StatusError](s.Err)
	return ok && e.Code == 401
}

func away(s Status) bool { return s.State != Playing && s.Err != nil }

func troubles() []trouble {
	return []trouble{
		{name: "power cut", begin: func(c *camera, _ int) { c.set(fault{dark: true}) }, seen: away},
		{name: "other codec and size", begin: func(c *camera, cycle int) {
			c.set(fault{dark: true})
			c.show(cycle + 1)
		}, seen: away},
		{name: "address gone", begin: func(c *camera, _ int) { c.off() }, seen: func(s Status) bool { return s.State == Failed }, end: (*camera).on},
		{name: "wrong password", begin: func(c *camera, _ int) {
			c.password.Store(new("another"))
			c.set(fault{})
		}, seen: denied, end: func(c *camera) { c.password.Store(new("secret")) }},
		{name: "401 after 200", begin: func(c *camera, _ int) { c.set(fault{denies: true}) }, seen: denied},
		{name: "slow DESCRIBE", begin: func(c *camera, _ int) { c.set(fault{describe: 8 * time.Second}) }, seen: func(s Status) bool {
			return s.State == Failed
		}, end: func(c *camera) { c.set(fault{describe: 300 * time.Millisecond}) }},
		{name: "RTP without RTCP", begin: func(c *camera, _ int) { c.set(fault{noRTCP: true}) }, seen: away, end: func(*camera) {}},
		{name: "silent after PLAY", begin: func(c *camera, _ int) { c.set(fault{silent: true}) }, seen: func(s Status) bool {
			return s.Err != nil && strings.Contains(s.Err.Error(), "no media") // it has been back, and was silent
		}},
	}
}

// cycles has a camera so often in trouble, each time when it has played for as long as given, and returns how long it was away after each: since
// the end of the trouble, and how much of that is allowed.
func cycles(t *testing.T, kind trouble, n int, plays time.Duration) (took, may []time.Duration) {
	c := newCamera(t)
	c.show(0)
	m, r := newRelay(t, Config{})
	retry := Retry{Force: true, Timeout: 6 * time.Second, MediaTimeout: 2 * time.Second} // a busy machine may need as long
	require.NoError(t, r.Pull(t.Context(), PullRequest{Stream: edge, URL: "rtsp://admin:secret@" + c.addr + "/live/cam", Retry: retry}))
	s := newSpectator(t, m)
	at := func() Status { return r.Pulls()[0] }
	until := func(what string, limit time.Duration, is func() bool) {
		if begun := time.Now(); !assert.Eventually(t, is, limit, time.Millisecond, what) {
			t.Fatalf("%s: not %s after %v: %+v, %d pictures, %d others, ended %v: %+v", kind.name, what, time.Since(begun), at(), s.got.Load(),
				s.others.Load(), s.player.Err(), s.player.Stream().Stats())
		}
	}
	for i := range n {
		before := s.got.Load()
		until("plays", patience, func() bool { return at().State == Playing && at().Alive >= plays && s.got.Load() > before+5 })
		retries := at().Retries
		kind.begin(c, i)
		until("has noticed", patience, func() bool { return kind.seen(at()) })
		if kind.end != nil {
			kind.end(c)
		} else {
			c.set(fault{})
		}
		ended, before := time.Now(), s.got.Load()
		until("is back", 2*patience, func() bool { return at().State == Playing && s.got.Load() > before })
		took = append(took, time.Since(ended))
		failures := at().Retries - retries
		may = append(may, time.Duration(failures)*step+step/2+3*time.Second)
		if kind.name == "other codec and size" {
			want := media.H264
			if (i+1)%3 == 1 {
				want = media.H265
			}
			until("shows the other codec", patience, func() bool { return media.Codec(s.codec.Load()) == want })
		}
	}
	select {
	case err := <-s.ended:
		require.NoError(t, err, "the viewer was dropped")
	default:
	}
	require.NoError(t, s.player.Err())
	require.True(t, r.StopPull(edge.String()))
	require.ErrorIs(t, <-s.ended, io.EOF)
	s.player.Close(nil)
	require.Empty(t, r.Pulls())
	for st := range m.Streams() {
		t.Errorf("%v is left", st.Key())
	}
	for x := range m.Sessions() {
		t.Errorf("session %+v is left", x.Info())
	}
	return took, may
}

// A camera comes back after whatever has happened to it, as soon as the rule of retries says, and who watches stays.
func TestCamerasInTrouble(t *testing.T) {
	n, strict, plays := 2, false, time.Duration(0)
	if isSoak() { // with what was before forgotten
		n, strict, plays = soakCycles(), true, proven+time.Second
	}
	before := descriptors()
	kinds := troubles()
	rows := make([]string, len(kinds))
	var all sync.WaitGroup
	for i, kind := range kinds {
		all.Go(func() { // all of them wait most of the time, so that none need wait for another
			t.Run(kind.name, func(t *testing.T) {
				took, may := cycles(t, kind, n, plays)
				var sum, worst, spare time.Duration
				for j, d := range took {
					sum, worst = sum+d, max(worst, d)
					if j == 0 || may[j]-d < spare {
						spare = may[j] - d
					}
					if strict { // a busy machine may be late otherwise
						require.LessOrEqual(t, d, may[j])
					}
				}
				round := func(d time.Duration) time.Duration { return d.Round(10 * time.Millisecond) }
				rows[i] = fmt.Sprintf("%-22s %3d cycles  back after %6v in the mean, %6v at most; back-off + 3 s less that: %6v at least",
					kind.name, len(took), round(sum/time.Duration(len(took))), round(worst), round(spare))
			})
		})
	}
	all.Wait()
	t.Log("\n" + strings.Join(rows, "\n"))
	if before >= 0 {
		require.Eventually(t, func() bool { return descriptors() <= before }, patience, 10*time.Millisecond, "descriptors are left")
	}
}
