package rtsp_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"
	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtsp"
)

// nvr is a network video recorder that plays a recording of an hour, whose pictures and sound tell their times. With each PLAY its
// timestamps and numbers begin somewhere else.
type nvr struct {
	t        *testing.T
	begins   string                                                     // a=range
	public   string                                                     // of OPTIONS
	answer   func(method string, head textproto.MIMEHeader) (as string) // the status line and headers of a response; "" is the usual one
	restamps bool                                                       // timestamps are in real time whatever the speed
	mute     func(head textproto.MIMEHeader) bool                       // it obeys no Scale

	mu     sync.Mutex
	out    chan []byte // what is written to the connection
	conn   net.Conn
	asked  []string // method and what matters of the headers
	heard  time.Time
	plays  bool
	at     time.Duration // in the recording
	speed  float64
	due    time.Duration // up to when it was sent
	since  time.Duration // of the last PLAY
	offset uint32
	seq    [2]uint16
}

const (
	nvrTimeout = 10 * time.Second
	nvrPicture = 40 * time.Millisecond
	nvrSound   = 20 * time.Millisecond
	nvrGOP     = 25
)

func (n *nvr) serve(conn net.Conn) {
	defer conn.Close()
	n.mu.Lock()
	n.conn, n.out, n.heard, n.speed = conn, make(chan []byte, 1<<16), time.Now(), 1
	n.mu.Unlock()
	ctx, cancel := context.WithCancel(context.Background())
	var feeding sync.WaitGroup
	defer feeding.Wait()
	defer cancel()
	feeding.Go(func() { n.feed(ctx) })
	feeding.Go(func() { n.write(ctx) })
	r := textproto.NewReader(bufio.NewReader(conn))
	for {
		line, err := r.ReadLine()
		if err != nil {
			return
		}
		head, err := r.ReadMIMEHeader()
		if err != nil {
			return
		}
		method, _, _ := strings.Cut(line, " ")
		n.respond(method, head)
	}
}

// respond answers a request, and obeys it if the answer is 200.
func (n *nvr) respond(method string, head textproto.MIMEHeader) {
	said := method
	for _, name := range []string{"Range", "Scale", "Speed"} {
		if v := head.Get(name); v != "" {
			said += " " + name + ": " + v
		}
	}
	n.mu.Lock()
	n.asked = append(n.asked, said)
	if head.Get("Session") != "" {
		n.heard = time.Now()
	}
	n.mu.Unlock()
	as, body := "", ""
	if n.answer != nil {
		as = n.answer(method, head)
	}
	if as == "" {
		as = "RTSP/1.0 200 OK\r\nSession: 12;timeout=10"
		switch method {
		case "OPTIONS":
			as += "\r\nPublic: " + n.public
		case "DESCRIBE":
			body = "v=0\r\na=range:" + n.begins + "\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\na=control:v\r\nm=audio 0 RTP/AVP 8\r\na=control:a\r\n"
			as += fmt.Sprintf("\r\nContent-Length: %d", len(body))
		case "PLAY":
			for _, name := range []string{"Scale", "Speed"} {
				if v := head.Get(name); v != "" && (n.mute == nil || !n.mute(head)) {
					as += "\r\n" + name + ": " + v
				}
			}
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if strings.HasPrefix(as, "RTSP/1.0 200") {
		n.obey(method, head)
	}
	n.out <- []byte(as + "\r\nCSeq: " + head.Get("CSeq") + "\r\n\r\n" + body)
}

func (n *nvr) write(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case b := <-n.out:
			if _, err := n.conn.Write(b); err != nil {
				return
			}
		}
	}
}

func (n *nvr) obey(method string, head textproto.MIMEHeader) {
	switch method {
	case "PAUSE":
		n.plays = false
	case "PLAY":
		n.speed = 1
		if v, err := strconv.ParseFloat(head.Get("Scale")+head.Get("Speed"), 64); err == nil && (n.mute == nil || !n.mute(head)) {
			n.speed = v
		}
		if text, ok := strings.CutPrefix(head.Get("Range"), "npt="); ok {
			seconds, _ := strconv.ParseFloat(strings.TrimSuffix(text, "-"), 64)
			n.at = time.Duration(seconds * float64(time.Second)).Truncate(nvrGOP * nvrPicture)
		}
		n.plays, n.since, n.due = true, n.at, n.at
		n.offset += 0x7654321
		n.seq[0], n.seq[1] = n.seq[0]+7777, n.seq[1]-5555
	}
}

// feed sends what is due.
func (n *nvr) feed(ctx context.Context) {
	ticker := time.NewTicker(nvrSound)
	defer ticker.Stop()
	for tick := 0; ; tick++ {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		n.mu.Lock()
		if time.Since(n.heard) > nvrTimeout {
			n.conn.Close()
		}
		if n.plays {
			n.send(tick%50 == 0)
		}
		n.mu.Unlock()
	}
}

func (n *nvr) send(report bool) {
	for n.due += time.Duration(float64(nvrSound) * n.speed); n.at < n.due; n.at += nvrSound {
		if n.at%nvrPicture == 0 {
			frame := make([]byte, 11)
			copy(frame, []byte{0x10, 1})
			if n.at%(nvrGOP*nvrPicture) == 0 {
				frame = append([]byte{0x10, 0x10, 0, 0, 0x9d, 1, 0x2a, 64, 0, 64, 0}, frame...)
			}
			n.packet(0, 96, 90000, binary.BigEndian.AppendUint64(frame, uint64(n.at)))
		}
		n.packet(1, 8, 8000, binary.BigEndian.AppendUint64(make([]byte, 152), uint64(n.at)))
	}
	if report {
		n.report()
	}
}

func (n *nvr) report() {
	for i, rate := range []uint32{90000, 8000} {
		b := append([]byte{'$', byte(2*i + 1), 0, 28, 0x80, 200, 0, 6}, make([]byte, 24)...)
		at := time.Since(time.Unix(0, 0))
		binary.BigEndian.PutUint32(b[8:], uint32(i+1))
		binary.BigEndian.PutUint32(b[12:], uint32(at/time.Second)+2208988800)
		binary.BigEndian.PutUint32(b[16:], uint32(float64(at%time.Second)/float64(time.Second)*(1<<32)))
		binary.BigEndian.PutUint32(b[20:], n.stamp(rate, i))
		n.out <- b
	}
}

// stamp is the timestamp of what is sent now.
func (n *nvr) stamp(rate uint32, track int) uint32 {
	at := float64(n.at)
	if n.restamps {
		at = float64(n.at-n.since) / n.speed
	}
	return n.offset*uint32(track+1) + uint32(int64(at/float64(time.Second)*float64(rate)))
}

func (n *nvr) packet(track int, payload uint8, rate uint32, data []byte) {
	p := rtp.Packet{Header: rtp.Header{
		Version: 2, PayloadType: payload, Marker: true, SSRC: uint32(track + 1), SequenceNumber: n.seq[track], Timestamp: n.stamp(rate, track),
	}, Payload: data}
	n.seq[track]++
	b, err := p.Marshal()
	require.NoError(n.t, err)
	n.out <- append([]byte{'$', byte(2 * track), byte(len(b) >> 8), byte(len(b))}, b...)
}

// said returns what was asked since it was last asked for, but for signs of life.
func (n *nvr) said() (list []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	list, n.asked = n.asked, nil
	return slices.DeleteFunc(list, func(s string) bool { return strings.HasSuffix(s, "_PARAMETER") || s == "OPTIONS" })
}

// viewer watches what is pulled from a recorder.
type nvrViewer struct {
	t       *testing.T
	nvr     *nvr
	m       *media.Server
	control rtsp.Control
	ended   chan error
	reader  *media.Reader[*media.Packet]
	last    map[bool]*media.Packet // by whether it is a picture
}

// watch has a recorder pulled by TCP in a bubble, and somebody watch.
func watch(t *testing.T, n *nvr, check func(t *testing.T, v *nvrViewer)) {
	synctest.Test(t, func(t *testing.T) {
		n.t = t
		m, err := media.New(media.Config{Options: hook.StreamOptions{ContinuePush: new(time.Duration(0))}})
		require.NoError(t, err)
		defer func() { require.NoError(t, m.Close()) }()
		v := &nvrViewer{t: t, nvr: n, m: m, ended: make(chan error, 1), last: map[bool]*media.Packet{}}
		var serving sync.WaitGroup
		defer serving.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		require.ErrorIs(t, v.control.Pause(ctx), rtsp.ErrNotPlaying)
		go func() {
			v.ended <- rtsp.Pull(ctx, m, "rtsp://user:secret@h/x", testKey, rtsp.ClientConfig{
				IdleTimeout: 5 * time.Second, Control: &v.control, Dial: func(context.Context, string, string) (net.Conn, error) {
					client, server := net.Pipe()
					serving.Go(func() { n.serve(server) })
					return client, nil
				},
			})
		}()
		time.Sleep(3 * time.Second)
		st, ok := m.Stream(testKey)
		require.True(t, ok)
		v.reader = st.Read()
		defer v.reader.Close()
		n.said()
		check(t, v)
		cancel()
		if v.ended != nil {
			require.ErrorIs(t, <-v.ended, context.Canceled)
		}
		require.ErrorIs(t, v.control.Seek(t.Context(), 0), rtsp.ErrNotPlaying)
	})
}

// filmTime is the time in the recording that a packet tells.
func filmTime(p *media.Packet) time.Duration {
	return time.Duration(binary.BigEndian.Uint64(p.Data[len(p.Data)-8:]))
}

// next returns the next picture, and sees that stamps grow.
func (v *nvrViewer) next() *media.Packet {
	v.t.Helper()
	for {
		p := v.read()
		if p.Track.Codec.Video() {
			return p
		}
	}
}

func (v *nvrViewer) read() *media.Packet {
	v.t.Helper()
	ctx, cancel := context.WithTimeout(v.t.Context(), 20*time.Second)
	defer cancel()
	var one [1]*media.Packet
	_, err := v.reader.ReadBatch(ctx, one[:])
	require.NoError(v.t, err)
	p := one[0]
	video := p.Track.Codec.Video()
	if before := v.last[video]; before != nil {
		require.Greater(v.t, p.DTS, before.DTS)
		require.LessOrEqual(v.t, p.DTS-before.DTS, time.Second, "from %v to %v", filmTime(before), filmTime(p))
	}
	v.last[video] = p
	return p
}

// drain reads what there is.
func (v *nvrViewer) drain() (last *media.Packet) {
	synctest.Wait()
	for {
		p, ok := v.tryRead()
		if !ok {
			return last
		}
		last = p
	}
}

func (v *nvrViewer) tryRead() (*media.Packet, bool) {
	ctx, cancel := context.WithTimeout(v.t.Context(), time.Nanosecond)
	defer cancel()
	var one [1]*media.Packet
	n, err := v.reader.ReadBatch(ctx, one[:])
	if err != nil || n == 0 {
		return nil, false
	}
	v.last[one[0].Track.Codec.Video()] = one[0]
	return one[0], true
}

// plays sees that the next pictures follow each other at a speed, without one missing, and that sound is in step with them.
func (v *nvrViewer) plays(speed float64) {
	v.t.Helper()
	first := v.next()
	for range 3 * nvrGOP {
		before := v.last[true]
		p := v.next()
		require.Equal(v.t, filmTime(before)+nvrPicture, filmTime(p))
	}
	last := v.last[true]
	film, shown := filmTime(last)-filmTime(first), last.PTS-first.PTS
	require.InDelta(v.t, speed, film.Seconds()/shown.Seconds(), speed/20)
	sound := v.last[false]
	apart := (filmTime(sound)-filmTime(last)).Seconds()/speed - (sound.PTS - last.PTS).Seconds()
	require.InDelta(v.t, 0, apart, 0.06, "sound is in step")
}

// A pull that is dropped goes on where it was, and so do those after it: at the place that was played, at its speed, or the one that was sought,
// by the clock of the server. At the end, or where there is none, it begins anew.
func TestNVRGoesOnWhereItWas(t *testing.T) {
	const hour, open = "npt=0-3600", "npt=0-"
	seek := func(t *testing.T, c *rtsp.Control, at time.Duration) { require.NoError(t, c.Seek(t.Context(), at)) }
	for name, c := range map[string]struct {
		begins string
		speed  float64
		then   func(t *testing.T, c *rtsp.Control) // after 10 s, before 5 s more
		from   float64                             // where it goes on, in seconds; 0 is the beginning
		by     string                              // how that is asked for; "npt=" if empty
		gone   bool                                // that place is refused
	}{
		"plays":             {begins: hour, from: 15},
		"fast":              {begins: hour, speed: 4, from: 60},
		"another speed":     {begins: hour, then: func(t *testing.T, c *rtsp.Control) { require.NoError(t, c.SetSpeed(t.Context(), 2)) }, from: 20},
		"paused":            {begins: hour, then: func(t *testing.T, c *rtsp.Control) { require.NoError(t, c.Pause(t.Context())) }, from: 10},
		"sought":            {begins: hour, then: func(t *testing.T, c *rtsp.Control) { seek(t, c, time.Minute) }, from: 65},
		"sought back":       {begins: hour, then: func(t *testing.T, c *rtsp.Control) { seek(t, c, 0) }, from: 5},
		"sought, no length": {begins: open, then: func(t *testing.T, c *rtsp.Control) { seek(t, c, time.Minute) }, from: 65},
		"by the clock":      {begins: "clock=20260102T030405Z-20260102T040405Z", from: 15, by: "clock=20260102T0304"},
		"refused":           {begins: hour, from: 15, gone: true},
		"a camera":          {begins: open},
		"its end":           {begins: "npt=0-15.5"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := &nvr{t: t, begins: c.begins}
				m, err := media.New(media.Config{})
				require.NoError(t, err)
				defer func() { require.NoError(t, m.Close()) }()
				var control rtsp.Control
				for i := range 3 {
					var serving sync.WaitGroup
					var conn net.Conn
					if i > 0 && c.gone {
						n.answer = func(method string, head textproto.MIMEHeader) string {
							if method == "PLAY" && head.Get("Range") != "npt=0.000-" {
								return "RTSP/1.0 457 Invalid Range"
							}
							return ""
						}
					}
					n.said()
					ended := make(chan error, 1)
					go func() {
						ended <- rtsp.Pull(t.Context(), m, "rtsp://h/x", testKey, rtsp.ClientConfig{
							IdleTimeout: time.Minute, Speed: c.speed, Control: &control, Dial: func(context.Context, string, string) (net.Conn, error) {
								client, server := net.Pipe()
								conn = server
								serving.Go(func() { n.serve(server) })
								return client, nil
							},
						})
					}()
					time.Sleep(time.Second)
					asked := slices.DeleteFunc(n.said(), func(s string) bool { return !strings.HasPrefix(s, "PLAY") })
					where := strings.Fields(strings.TrimPrefix(asked[0], "PLAY Range: "))[0]
					switch {
					case i == 0 || c.from == 0:
						require.Equal(t, "npt=0.000-", where)
					case c.by != "":
						require.Regexp(t, "^"+c.by, where)
					default:
						var at float64
						_, err := fmt.Sscanf(where, "npt=%f-", &at)
						require.NoError(t, err)
						from := c.from
						if i == 2 && !c.gone { // those before have played on
							from += 5 * max(c.speed, 1)
						}
						require.InDelta(t, from, at, 0.3*max(c.speed, 1)+0.2)
					}
					if c.gone && i > 0 {
						require.Equal(t, "PLAY Range: npt=0.000-", asked[1])
						conn.Close()
					} else if i == 0 {
						time.Sleep(9 * time.Second)
						if c.then != nil {
							c.then(t, &control)
						}
						time.Sleep(5 * time.Second)
					} else {
						time.Sleep(4 * time.Second)
					}
					conn.Close()
					require.Error(t, <-ended)
					serving.Wait()
					if i == 1 && (c.gone || name == "its end") {
						return
					}
				}
			})
		})
	}
}
