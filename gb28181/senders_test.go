package gb28181_test

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sluice-media/sluice/gb28181"
	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
)

func open(t testing.TB, s *gb28181.Server, r gb28181.Request) int {
	t.Helper()
	if r.Stream == (media.StreamKey{}) {
		r.Stream = camera
	}
	p, err := s.Open(t.Context(), r)
	require.NoError(t, err)
	return p.Number
}

// sends has a device send its film in the background, until it is at its end.
func sends(t testing.TB, d *device) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		d.send(0, len(d.packets))
	}()
	t.Cleanup(func() { <-done })
}

// Who comes second to a port is nobody's, whatever its SSRC, and the first goes on undisturbed.
func TestSecondSender(t *testing.T) {
	for name, mode := range map[string]gb28181.Mode{"UDP": gb28181.UDP, "TCP": gb28181.TCPPassive} {
		for _, ssrc := range []uint32{0x1234, 0x9999, 0} {
			t.Run(fmt.Sprintf("%s %x", name, ssrc), func(t *testing.T) {
				t.Parallel()
				m, s := start(t, media.Config{}, gb28181.Config{})
				port := open(t, s, gb28181.Request{Mode: mode})
				write := func() func([]byte) error {
					if mode == gb28181.UDP {
						return toUDP(t, port)
					}
					return toTCP(t, dialTCP(t, port))
				}
				first := newDevice(t, write())
				sends(t, first)
				st := await(t, m, camera)
				second := newDevice(t, write())
				second.ssrc = ssrc
				second.write = func(write func([]byte) error) func([]byte) error { // it may be hung up on
					return func(b []byte) error { _ = write(b); return nil }
				}(second.write)
				sends(t, second)
				requireRun(t, st, first.packets, 200)
			})
		}
	}
}

// Whoever is not the one that is waited for is not taken, until the port is told to.
func TestSSRC(t *testing.T) {
	t.Parallel()
	m, s := start(t, media.Config{}, gb28181.Config{})
	port := open(t, s, gb28181.Request{SSRC: 5})
	d := newDevice(t, toUDP(t, port))
	d.send(0, 40)
	_, ok := m.Stream(camera)
	require.False(t, ok)
	require.NoError(t, s.SetSSRC(t.Context(), camera, d.ssrc))
	require.EqualValues(t, d.ssrc, s.Ports()[0].SSRC)
	sends(t, d)
	requireRun(t, await(t, m, camera), d.packets, 100)
	require.ErrorIs(t, s.SetSSRC(t.Context(), live, 1), gb28181.ErrNotFound)
	require.ErrorIs(t, s.SuspendTimeout(live, 1), gb28181.ErrNotFound)
	require.ErrorIs(t, s.Connect(t.Context(), live, "127.0.0.1", 1), gb28181.ErrNotFound)
	require.ErrorIs(t, s.Connect(t.Context(), camera, "127.0.0.1", 1), gb28181.ErrNotActive)
}

// A device that goes on from another address does so in the same stream, once it has been silent there.
func TestAddressChanges(t *testing.T) {
	t.Parallel()
	m, s := start(t, media.Config{}, gb28181.Config{})
	port := open(t, s, gb28181.Request{})
	d := newDevice(t, toUDP(t, port))
	d.send(0, 100)
	st := await(t, m, camera)
	r := st.Read()
	defer r.Close()
	d.write = toUDP(t, port)
	before, next := st.Stats().Tracks[0].Frames, 100
	for ; next < 110; next++ { // too early
		d.send(next, next+1)
	}
	require.Eventually(t, func() bool { return st.Stats().Tracks[0].Frames == before }, patience, time.Millisecond)
	time.Sleep(2100 * time.Millisecond)
	d.send(next, len(d.packets))
	require.Eventually(t, func() bool { return st.Stats().Tracks[0].Frames > before+3 }, patience, time.Millisecond)
}

// On the port for all each sender is a stream by its SSRC, by UDP and TCP, and that of a connection ends with it.
func TestPortForAll(t *testing.T) {
	t.Parallel()
	m, s := start(t, media.Config{}, gb28181.Config{})
	served := make(chan error, 1)
	go func() { served <- s.ListenAndServe("127.0.0.1:0") }()
	require.Eventually(t, func() bool { return s.Addr().IsValid() }, patience, time.Millisecond)
	port := int(s.Addr().Port())
	require.Empty(t, s.Ports(), "it is not one that was opened")
	key := func(ssrc uint32) media.StreamKey {
		return media.StreamKey{VHost: hook.DefaultVHost, App: "rtp", Name: fmt.Sprintf("%08X", ssrc)}
	}
	conn := dialTCP(t, port)
	udp := toUDP(t, port)
	for i, write := range []func([]byte) error{udp, udp, toUDP(t, port), toTCP(t, conn)} { // two of one address
		d := newDevice(t, write)
		d.ssrc = 0xabc0 + uint32(i)
		if i == 3 {
			d.send(0, 150)
		} else {
			sends(t, d)
		}
	}
	for i := range uint32(3) {
		_, film := film(t)
		requireRun(t, await(t, m, key(0xabc0+i)), film, 50)
		peer, ok := s.Peer(key(0xabc0 + i))
		require.True(t, ok)
		require.EqualValues(t, port, peer.Local.Port())
	}
	st := await(t, m, key(0xabc3))
	conn.Close()
	_, err := readAll(t, st)
	require.NoError(t, err)
	require.NoError(t, s.Close())
	require.Equal(t, gb28181.ErrServerClosed, <-served)
}

// readAll reads a stream to its end.
func readAll(t testing.TB, st *media.Stream) (count int, err error) {
	t.Helper()
	r := st.Read()
	defer r.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	batch := make([]*media.Packet, 64)
	for {
		n, err := r.ReadBatch(ctx, batch)
		count += n
		if err != nil {
			if ctx.Err() != nil {
				return count, ctx.Err()
			}
			return count, nil
		}
	}
}

type timeouts chan hook.RTPServerTimeoutEvent

func (c timeouts) OnRTPServerTimeout(_ context.Context, ev *hook.RTPServerTimeoutEvent) { c <- *ev }

// A port to which no frame comes is closed, and observers are told; unless it was said that it may be silent.
func TestTimeout(t *testing.T) {
	t.Parallel()
	told := make(timeouts, 10)
	_, s := start(t, media.Config{Hooks: []hook.Hook{told}}, gb28181.Config{Timeout: 500 * time.Millisecond})
	quiet := media.StreamKey{VHost: hook.DefaultVHost, App: "rtp", Name: "quiet"}
	open(t, s, gb28181.Request{Stream: quiet})
	require.NoError(t, s.SuspendTimeout(quiet, time.Hour))
	port := open(t, s, gb28181.Request{Mode: gb28181.TCPPassive, SSRC: 9, ReusePort: true})
	garbage := toUDP(t, port)
	stop := time.AfterFunc(0, func() {
		for range 100 {
			_ = garbage([]byte("what is no RTP keeps no port open"))
			time.Sleep(10 * time.Millisecond)
		}
	})
	defer stop.Stop()
	require.Equal(t, hook.RTPServerTimeoutEvent{
		Stream: camera, LocalPort: port, StreamID: "camera", TCPMode: 1, ReusePort: true, SSRC: 9,
	}, <-told)
	require.Len(t, s.Ports(), 1)
	require.NoError(t, s.SuspendTimeout(quiet, 0))
	require.Equal(t, quiet, (<-told).Stream)
	require.Empty(t, s.Ports())
}

type publishers func(*hook.PublishEvent) error

func (f publishers) OnPublish(_ context.Context, ev *hook.PublishEvent) (hook.PublishReply, error) {
	return hook.PublishReply{}, f(ev)
}

// Who is refused closes the port that was opened for it, and is not asked for again and again on the one for all.
func TestRefused(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	deny := publishers(func(ev *hook.PublishEvent) error {
		asked.Add(1)
		if ev.Session.Schema != "rtp" || ev.Origin != hook.OriginRTPPush {
			t.Errorf("asked for %+v", ev)
		}
		return hook.Deny(1, "no")
	})
	_, s := start(t, media.Config{Hooks: []hook.Hook{deny}}, gb28181.Config{})
	d := newDevice(t, toUDP(t, open(t, s, gb28181.Request{})))
	d.send(0, 10)
	require.Eventually(t, func() bool { return len(s.Ports()) == 0 }, patience, time.Millisecond)
	go func() { _ = s.ListenAndServe("127.0.0.1:0") }()
	require.Eventually(t, func() bool { return s.Addr().IsValid() }, patience, time.Millisecond)
	d.write, d.pace = toUDP(t, int(s.Addr().Port())), time.Millisecond
	d.send(0, 200)
	require.EqualValues(t, 2, asked.Load())
}

// What was held while the hooks were asked is not lost.
func TestSlowHook(t *testing.T) {
	slow := publishers(func(*hook.PublishEvent) error {
		time.Sleep(300 * time.Millisecond)
		return nil
	})
	for name, mode := range map[string]gb28181.Mode{"UDP": gb28181.UDP, "TCP": gb28181.TCPPassive} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, s := start(t, media.Config{Hooks: []hook.Hook{slow}}, gb28181.Config{})
			port := open(t, s, gb28181.Request{Mode: mode})
			write := toUDP(t, port)
			if mode == gb28181.TCPPassive {
				write = toTCP(t, dialTCP(t, port))
			}
			d := newDevice(t, write)
			sends(t, d)
			st := await(t, m, camera)
			r := st.Read()
			defer r.Close()
			got := readPackets(t, r, 20)
			i := slices.IndexFunc(got, func(p *media.Packet) bool { return p.Track.Codec.Video() })
			require.True(t, bytes.Equal(slicesOf(firstVideo(d.packets)), slicesOf(got[i])), "it begins with the first picture")
		})
	}
}

func firstVideo(packets []*media.Packet) *media.Packet {
	return packets[slices.IndexFunc(packets, func(p *media.Packet) bool { return p.Track.Codec.Video() })]
}

// A stream that the host ends, or kicks, does not come back: its port is closed.
func TestKicked(t *testing.T) {
	t.Parallel()
	m, s := start(t, media.Config{}, gb28181.Config{})
	d := newDevice(t, toUDP(t, open(t, s, gb28181.Request{})))
	sends(t, d)
	await(t, m, camera).Kick(media.ErrKicked)
	require.Eventually(t, func() bool { return len(s.Ports()) == 0 }, patience, time.Millisecond)
	_, ok := m.Stream(camera)
	require.False(t, ok)
}

// Datagrams that come twice and out of order make the same stream; of what is lost no picture is torn, and it goes on with the next key picture.
func TestImpaired(t *testing.T) {
	for name, c := range map[string]struct {
		lose, double, shuffle float64
		apart                 time.Duration // what is out of order comes, so that each is read by itself
	}{
		"twice": {double: 0.2}, "out of order": {shuffle: 0.1}, "out of order, apart": {shuffle: 0.05, apart: 3 * time.Millisecond},
		"lost": {lose: 0.02}, "all": {0.01, 0.1, 0.05, 0}, "lost, 5 %": {lose: 0.05}, "lost, 20 %": {lose: 0.2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, s := start(t, media.Config{}, gb28181.Config{})
			write := toUDP(t, open(t, s, gb28181.Request{}))
			random := rand.New(rand.NewPCG(1, 2))
			var late [][]byte
			dropped, packets := 0, 0
			d := newDevice(t, func(b []byte) error {
				packets++
				before := late
				late = nil
				defer func() {
					for _, b := range before {
						time.Sleep(c.apart)
						_ = write(b)
						time.Sleep(c.apart)
					}
				}()
				switch x := random.Float64(); {
				case x < c.lose:
					dropped++
					return nil
				case x < c.lose+c.double:
					_ = write(b)
				case x < c.lose+c.double+c.shuffle:
					late = append(late, bytes.Clone(b))
					return nil
				}
				return write(b)
			})
			d.size = 300
			sent := make(chan struct{})
			go func() {
				defer close(sent)
				d.send(0, len(d.packets))
			}()
			r := await(t, m, camera).Read()
			defer r.Close()
			got := readPackets(t, r, 80)
			want := map[string]int{}
			for i, p := range d.packets {
				want[string(slicesOf(p))] = i
			}
			last, count := -1, 0
			for _, p := range got {
				i, ok := want[string(slicesOf(p))]
				if !p.Track.Codec.Video() {
					continue
				}
				require.True(t, ok, "a picture that is none of the film's")
				require.Greater(t, i, last)
				if c.lose == 0 && last >= 0 {
					missing := slices.ContainsFunc(d.packets[last+1:i], func(p *media.Packet) bool { return p.Track.Codec.Video() })
					require.False(t, missing, "nothing was lost")
				}
				last, count = i, count+1
			}
			<-sent
			var status []gb28181.ReceiverStatus
			require.Eventually(t, func() bool { // to one in a hundred
				status = s.Receivers()
				return len(status) == 1 && math.Abs(float64(int(status[0].Lost)-dropped)) <= float64(packets)/100
			}, patience, 10*time.Millisecond, "%d of %d were lost, and not %+v", dropped, packets, status)
			require.Equal(t, camera, status[0].Stream)
			require.Equal(t, c.lose > 0, status[0].Lost > 0)
			require.Equal(t, c.double > 0, status[0].Duplicate > 0)
			require.Equal(t, c.lose+c.shuffle > 0, status[0].Reordered > 0)
			if c.lose == 0 {
				require.Greater(t, count, 15)
			}
		})
	}
}

// Of what a sender has only those tracks are taken that were asked for.
func TestTracks(t *testing.T) {
	t.Parallel()
	for _, tracks := range []gb28181.Tracks{gb28181.AudioOnly, gb28181.VideoOnly} {
		m, s := start(t, media.Config{}, gb28181.Config{})
		d := newDevice(t, toUDP(t, open(t, s, gb28181.Request{Tracks: tracks})))
		d.pace = time.Millisecond
		sends(t, d)
		all, err := await(t, m, camera).Tracks(t.Context())
		require.NoError(t, err)
		require.Len(t, all, 1)
		require.Equal(t, tracks == gb28181.VideoOnly, all[0].Codec.Video())
	}
}

// Streams that agree to that have one port, by their SSRCs; others get an error.
func TestReusedPort(t *testing.T) {
	m, s := start(t, media.Config{}, gb28181.Config{})
	port := open(t, s, gb28181.Request{SSRC: 1, ReusePort: true})
	other := media.StreamKey{VHost: hook.DefaultVHost, App: "rtp", Name: "other"}
	open(t, s, gb28181.Request{Stream: other, Port: port, SSRC: 2, ReusePort: true})
	_, err := s.Open(t.Context(), gb28181.Request{Stream: live, Port: port})
	require.ErrorIs(t, err, media.ErrNoPorts)
	for i, key := range []media.StreamKey{camera, other} {
		d := newDevice(t, toUDP(t, port))
		d.ssrc = uint32(i + 1)
		sends(t, d)
		requireRun(t, await(t, m, key), d.packets, 50)
	}
	require.True(t, s.ClosePort(camera))
	_, ok := m.Stream(other)
	require.True(t, ok)
	require.True(t, s.ClosePort(other))
	open(t, s, gb28181.Request{Port: port})
}

// A port may be odd, and one that somebody else has is an error.
func TestPorts(t *testing.T) {
	_, s := start(t, media.Config{}, gb28181.Config{})
	even := open(t, s, gb28181.Request{})
	require.Zero(t, even%2)
	require.True(t, s.ClosePort(camera))
	require.Equal(t, even+11, open(t, s, gb28181.Request{Port: even + 11}))
	require.True(t, s.ClosePort(camera))
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	defer conn.Close()
	_, err = s.Open(t.Context(), gb28181.Request{Stream: camera, Port: conn.LocalAddr().(*net.UDPAddr).Port})
	require.ErrorIs(t, err, media.ErrNoPorts)
	require.Empty(t, s.Ports())
	_, err = s.Open(t.Context(), gb28181.Request{Stream: media.StreamKey{App: "rtp"}})
	require.ErrorIs(t, err, media.ErrBadName)
}

// A talk goes back to where a stream comes from, and what the peer of a sender says on the same socket is a stream.
func TestTalk(t *testing.T) {
	for name, mode := range map[string]gb28181.Mode{"UDP": gb28181.UDP, "TCP": gb28181.TCPPassive} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, s := start(t, media.Config{}, gb28181.Config{}) // the platform
			publish(t, m)
			port := open(t, s, gb28181.Request{Mode: mode})

			device, its := start(t, media.Config{}, gb28181.Config{PortRange: [2]int{47000, 47900}})
			publish(t, device)
			heard := media.StreamKey{VHost: hook.DefaultVHost, App: "talk", Name: "heard"}
			_, err := its.Send(t.Context(), gb28181.SendRequest{
				Stream: live, SSRC: 3, Host: "127.0.0.1", Port: port, UDP: mode == gb28181.UDP, Receive: heard,
			})
			require.NoError(t, err)
			_, film := film(t)
			requireRun(t, await(t, m, camera), film, 30)
			at, err := s.Send(t.Context(), gb28181.SendRequest{Stream: live, Mode: gb28181.Talk, SSRC: 4, Receive: camera})
			require.NoError(t, err)
			require.Equal(t, port, at)
			requireRun(t, await(t, device, heard), film, 30)
			require.Equal(t, 1, s.StopSend(live))
			require.True(t, s.ClosePort(camera))
		})
	}
}

// Nothing is left of a server that was closed while all was under way.
func TestClose(t *testing.T) {
	before := goleak.IgnoreCurrent()
	m, err := media.New(media.Config{})
	require.NoError(t, err)
	s, err := gb28181.NewServer(m, gb28181.Config{PortRange: [2]int{46000, 46900}})
	require.NoError(t, err)
	for i := range 10 {
		key := media.StreamKey{App: "rtp", Name: fmt.Sprint(i)}
		port := open(t, s, gb28181.Request{Stream: key, Mode: gb28181.TCPPassive})
		d := newDevice(t, toUDP(t, port))
		d.pace = 0
		d.send(0, 50)
		await(t, m, key.Canonical())
		_, err := s.Send(t.Context(), gb28181.SendRequest{Stream: key, SSRC: 1, Mode: gb28181.Listen, UDP: i%2 == 0, ConnectTimeout: time.Hour})
		require.NoError(t, err)
		dialTCP(t, port).Close()
	}
	require.NoError(t, m.Close())
	require.Empty(t, s.Ports())
	_, err = s.Open(t.Context(), gb28181.Request{Stream: camera})
	require.ErrorIs(t, err, gb28181.ErrServerClosed)
	goleak.VerifyNone(t, before)
}

// Strangers on the port for all leave room for whoever comes later, and are forgotten.
func TestStrangers(t *testing.T) {
	t.Parallel()
	wait := make(chan struct{})
	hang := publishers(func(ev *hook.PublishEvent) error {
		if ev.Stream.Name != "0000ABC0" {
			<-wait
		}
		return nil
	})
	m, s := start(t, media.Config{Hooks: []hook.Hook{hang}}, gb28181.Config{MaxSenders: 40, Timeout: 2 * time.Second})
	defer close(wait)
	go func() { _ = s.ListenAndServe("127.0.0.1:0") }()
	require.Eventually(t, func() bool { return s.Addr().IsValid() }, patience, time.Millisecond)
	port := int(s.Addr().Port())
	foreign := newDevice(t, func() func([]byte) error {
		conn, err := net.DialUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 2)}, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
		require.NoError(t, err)
		t.Cleanup(func() { conn.Close() })
		return func(b []byte) error { _, err := conn.Write(b); return err }
	}())
	for i := range 5000 { // most are nothing to begin with
		foreign.ssrc = uint32(i)
		for k, b := range foreign.packetize(append([]byte{0, 0, 1, 0xba, 0x44, 0, 4, 0, 4, 1, 0, 0, 3, 0xf8}, make([]byte, 2000)...), 1) {
			if i < 100 || k > 0 {
				require.NoError(t, foreign.write(b))
			}
		}
		if i%50 == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	d := newDevice(t, toUDP(t, port))
	d.ssrc = 0xabc0
	sends(t, d)
	requireRun(t, await(t, m, media.StreamKey{VHost: hook.DefaultVHost, App: "rtp", Name: "0000ABC0"}), d.packets, 30)
}

// A port that takes many has a stream for each, by its SSRC, in the app that it was opened for.
func TestMultiplex(t *testing.T) {
	t.Parallel()
	m, s := start(t, media.Config{}, gb28181.Config{})
	at := media.StreamKey{VHost: hook.DefaultVHost, App: "gate", Name: "north"}
	port := open(t, s, gb28181.Request{Stream: at, Mode: gb28181.TCPPassive, Multiplex: true})
	for i, write := range []func([]byte) error{toUDP(t, port), toTCP(t, dialTCP(t, port))} {
		d := newDevice(t, write)
		d.ssrc = 0x10 + uint32(i)
		sends(t, d)
	}
	for _, name := range []string{"00000010", "00000011"} {
		_, film := film(t)
		requireRun(t, await(t, m, media.StreamKey{VHost: hook.DefaultVHost, App: "gate", Name: name}), film, 50)
	}
	require.True(t, s.ClosePort(at))
	_, ok := m.Stream(media.StreamKey{VHost: hook.DefaultVHost, App: "gate", Name: "00000010"})
	require.False(t, ok)
}

// What no stream can begin with takes no place on the port for all, not even from senders of the same host.
func TestGarbageTakesNoPlace(t *testing.T) {
	t.Parallel()
	m, s := start(t, media.Config{}, gb28181.Config{MaxSenders: 10})
	go func() { _ = s.ListenAndServe("127.0.0.1:0") }()
	require.Eventually(t, func() bool { return s.Addr().IsValid() }, patience, time.Millisecond)
	port := int(s.Addr().Port())
	d := newDevice(t, toUDP(t, port))
	for i := range 100 {
		d.ssrc = uint32(i)
		require.NoError(t, d.write(d.packetize([]byte("no stream begins so"), 1)[0]))
	}
	d.ssrc = 0xabc0
	sends(t, d)
	requireRun(t, await(t, m, media.StreamKey{VHost: hook.DefaultVHost, App: "rtp", Name: "0000ABC0"}), d.packets, 30)
}
