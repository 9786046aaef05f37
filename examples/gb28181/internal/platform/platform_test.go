package platform_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emiago/sipgo/sip"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sluice-media/sluice/examples/gb28181/internal/device"
	"github.com/sluice-media/sluice/examples/gb28181/internal/manscdp"
	"github.com/sluice-media/sluice/examples/gb28181/internal/platform"
	"github.com/sluice-media/sluice/gb28181"
	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
)

const (
	patience = 30 * time.Second // on a busy machine
	secret   = "secret"
)

func TestMain(m *testing.M) {
	sip.SetDefaultLogger(slog.New(slog.DiscardHandler))
	goleak.VerifyTestMain(m)
}

// site is a platform that serves, with what is around it.
type site struct {
	*platform.Platform
	receiver *receiver
	addr     string
	end      context.CancelFunc
	ended    chan error
}

// start serves a platform until the test ends. Then nothing of it is left.
func start(t *testing.T, cfg platform.Config) *site { return startAt(t, "127.0.0.1:0", cfg) }

func startAt(t *testing.T, addr string, cfg platform.Config) *site {
	t.Helper()
	if cfg.Password == nil {
		cfg.Password = func(id string) (string, bool) { return secret, id != "34020000001320000666" }
	}
	p, err := platform.New(cfg)
	require.NoError(t, err)
	udp, tcp := listen(t, addr)
	s := &site{Platform: p, receiver: newReceiver(), addr: udp.LocalAddr().String(), ended: make(chan error, 1)}
	s.receiver.arrived = func(key media.StreamKey) {
		p.OnStreamChanged(context.Background(), &hook.StreamChangedEvent{Stream: key, Schema: "rtsp", Registered: true})
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.end = cancel
	go func() { s.ended <- p.Serve(ctx, s.receiver, udp, tcp) }()
	t.Cleanup(func() {
		cancel()
		require.ErrorIs(t, <-s.ended, context.Canceled)
		s.receiver.loops.Wait()
		open, _, _ := s.receiver.count(media.StreamKey{})
		require.Zero(t, open)
	})
	return s
}

// listen opens a port by UDP and TCP: one that is free by one of them may be taken by the other.
func listen(t *testing.T, addr string) (net.PacketConn, net.Listener) {
	t.Helper()
	for range 20 {
		udp, err := net.ListenPacket("udp", addr)
		require.NoError(t, err)
		tcp, err := net.Listen("tcp", udp.LocalAddr().String())
		if err == nil {
			return udp, tcp
		}
		udp.Close()
	}
	require.Fail(t, "no port is free")
	return nil, nil
}

// camera is a device with one channel.
func (s *site) camera(t *testing.T, n int, change func(*device.Config)) *device.Device {
	t.Helper()
	cfg := device.Config{
		ID: deviceID(n), Password: secret, Server: s.addr, ServerID: "34020000002000000001", Realm: "3402000000",
		Channels: []manscdp.Item{{ID: channelID(n), Name: fmt.Sprintf("东门 %d", n), Status: "ON"}},
		Clip:     clip(t), Keepalive: 200 * time.Millisecond,
	}
	if change != nil {
		change(&cfg)
	}
	d, err := device.New(cfg)
	require.NoError(t, err)
	t.Cleanup(d.Close)
	return d
}

// run has a device register and stay, until the test ends.
func run(t *testing.T, d *device.Device) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		<-done
	})
	t.Cleanup(stop)
	return stop
}

var clip = func() func(t *testing.T) *device.Clip {
	made := sync.OnceValues(device.H264)
	return func(t *testing.T) *device.Clip {
		c, err := made()
		require.NoError(t, err)
		return c
	}
}()

func deviceID(n int) string  { return fmt.Sprintf("340200000013200%05d", n) }
func channelID(n int) string { return fmt.Sprintf("340200000013100%05d", n) }

func streamOf(n int) media.StreamKey {
	return media.StreamKey{App: "rtp", Name: platform.StreamName(deviceID(n), channelID(n))}
}

// eventually waits for something.
func eventually(t *testing.T, ok func() bool, what string) {
	t.Helper()
	require.Eventually(t, ok, patience, 5*time.Millisecond, what)
}

// find returns a device as it is listed.
func (s *site) find(n int) platform.Device {
	for _, d := range s.Devices() {
		if d.ID == deviceID(n) {
			return d
		}
	}
	return platform.Device{}
}

func (s *site) hasChannels(n int) func() bool {
	return func() bool { return len(s.find(n).Channels) > 0 }
}

// watch asks for a stream as a player does that found none.
func (s *site) watch(t *testing.T, n int) (refused bool) {
	t.Helper()
	refused, err := s.OnStreamNotFound(t.Context(), &hook.PlayEvent{Stream: streamOf(n)})
	require.NoError(t, err)
	return refused
}

func (s *site) leave(t *testing.T, n int) {
	t.Helper()
	closeIt, err := s.OnStreamNoneReader(t.Context(), &hook.StreamEvent{Stream: streamOf(n)})
	require.NoError(t, err)
	require.True(t, closeIt)
}

func (s *site) receives(n, packets int) func() bool {
	return func() bool {
		_, got, _ := s.receiver.count(streamOf(n))
		return got >= packets
	}
}

func (s *site) idle() bool {
	open, _, _ := s.receiver.count(media.StreamKey{})
	return open == 0
}

func TestRegister(t *testing.T) {
	t.Parallel()
	s := start(t, platform.Config{})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for _, tcp := range []bool{false, true} {
		n := 1
		if tcp {
			n = 2
		}
		d := s.camera(t, n, func(c *device.Config) { c.TCP = tcp })
		require.ErrorIs(t, d.Keepalive(ctx), device.StatusError(403), "it has not registered")
		require.NoError(t, d.Register(ctx, 3600))
		require.True(t, s.find(n).Online)
		eventually(t, s.hasChannels(n), "no catalog")
		require.Equal(t, fmt.Sprintf("东门 %d", n), s.find(n).Channels[0].Name)
		require.NoError(t, d.Keepalive(ctx))

		res, err := d.Replay(ctx)
		require.NoError(t, err)
		require.Equal(t, 401, res.StatusCode, "a nonce is good for one registration")
		require.Contains(t, res.GetHeader("WWW-Authenticate").Value(), "stale=true")

		require.NoError(t, d.Register(ctx, 3600), "once more")
		require.NoError(t, d.Register(ctx, 0))
		require.False(t, s.find(n).Online)
		require.ErrorIs(t, d.Keepalive(ctx), device.StatusError(403), "it has unregistered")
		res, err = d.Replay(ctx)
		require.NoError(t, err)
		require.Equal(t, 401, res.StatusCode)
		require.False(t, s.find(n).Online)
	}
	wrong := s.camera(t, 3, func(c *device.Config) { c.Password = "guess" })
	require.ErrorIs(t, wrong.Register(ctx, 3600), device.StatusError(403))
	unknown := s.camera(t, 666, nil)
	require.ErrorIs(t, unknown.Register(ctx, 3600), device.StatusError(403))
	require.Len(t, s.Devices(), 2)
}

// A socket of all addresses, as the program has it by default.
func TestAddresses(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{":0", "0.0.0.0:0"} {
		s := startAt(t, addr, platform.Config{})
		_, number, err := net.SplitHostPort(s.addr)
		require.NoError(t, err)
		s.addr = net.JoinHostPort("127.0.0.1", number)
		for n, tcp := range []bool{false, true} {
			d := s.camera(t, n, func(c *device.Config) { c.TCP = tcp })
			require.NoError(t, d.Register(t.Context(), 3600))
			eventually(t, s.hasChannels(n), addr)
			require.True(t, strings.HasPrefix(s.find(n).Address, "127.0.0.1:"), s.find(n).Address)
		}
	}
}

func TestNonceGetsOld(t *testing.T) {
	t.Parallel()
	s := start(t, platform.Config{NonceLifetime: time.Nanosecond})
	d := s.camera(t, 1, nil)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	require.ErrorIs(t, d.Register(ctx, 3600), device.StatusError(401))
}

func TestCatalog(t *testing.T) {
	t.Parallel()
	s := start(t, platform.Config{MaxChannels: 30})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	items := make([]manscdp.Item, 40)
	for i := range items {
		items[i] = manscdp.Item{ID: channelID(i), Name: "大厅"}
	}
	d := s.camera(t, 1, func(c *device.Config) { c.Channels, c.UTF8 = items[:20], true })
	require.NoError(t, d.Register(ctx, 3600))
	eventually(t, s.hasChannels(1), "no catalog")
	list := s.find(1).Channels
	require.Len(t, list, 20)
	require.Equal(t, channelID(0), list[0].ID)
	require.Equal(t, "大厅", list[19].Name)
	require.Equal(t, "rtp/"+deviceID(1)+"_"+channelID(19), list[19].Stream)
	require.NoError(t, s.Query(ctx, deviceID(1)))
	require.ErrorIs(t, s.Query(ctx, deviceID(2)), platform.ErrUnknown)

	many := s.camera(t, 2, func(c *device.Config) { c.Channels = items })
	require.NoError(t, many.Register(ctx, 3600))
	eventually(t, s.hasChannels(2), "no catalog")
	require.Len(t, s.find(2).Channels, 30)
}

func TestPlay(t *testing.T) {
	t.Parallel()
	for name, mode := range map[string]gb28181.Mode{"udp": gb28181.UDP, "tcp passive": gb28181.TCPPassive, "tcp active": gb28181.TCPActive} {
		for _, tcp := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, SIP over TCP %t", name, tcp), func(t *testing.T) {
				t.Parallel()
				s := start(t, platform.Config{Mode: mode})
				d := s.camera(t, 1, func(c *device.Config) { c.TCP = tcp })
				run(t, d)
				eventually(t, s.hasChannels(1), "no catalog")
				require.False(t, s.watch(t, 1))
				require.False(t, s.watch(t, 1), "a second player")
				eventually(t, s.receives(1, 20), "no packets")
				require.True(t, s.find(1).Channels[0].Playing)
				require.Equal(t, 1, d.Calls())

				res, err := d.Reinvite(t.Context())
				require.NoError(t, err)
				require.Equal(t, 488, res.StatusCode)

				s.leave(t, 1)
				eventually(t, func() bool { return d.Calls() == 0 && s.idle() }, "no BYE")
				// And again.
				require.False(t, s.watch(t, 1))
				eventually(t, s.receives(1, 20), "no packets")
				require.Equal(t, 2, s.receiver.opened)
			})
		}
	}
}

// The device ends a call, and the next player gets another one.
func TestDeviceHangsUp(t *testing.T) {
	t.Parallel()
	s := start(t, platform.Config{})
	d := s.camera(t, 1, nil)
	run(t, d)
	eventually(t, s.hasChannels(1), "no catalog")
	require.False(t, s.watch(t, 1))
	eventually(t, s.receives(1, 1), "no packets")
	require.NoError(t, d.HangUp(t.Context()))
	eventually(t, s.idle, "the port is open")
	require.False(t, s.watch(t, 1))
	eventually(t, s.receives(1, 1), "no packets")
}

// What a stream of another app, or of nobody, is asked for bothers no device.
func TestStreamsThatAreNot(t *testing.T) {
	t.Parallel()
	s := start(t, platform.Config{})
	d := s.camera(t, 1, nil)
	run(t, d)
	eventually(t, s.hasChannels(1), "no catalog")
	_, err := s.OnStreamNotFound(t.Context(), &hook.PlayEvent{Stream: media.StreamKey{App: "live", Name: streamOf(1).Name}})
	require.ErrorIs(t, err, hook.ErrNotHandled)
	_, err = s.OnStreamNoneReader(t.Context(), &hook.StreamEvent{Stream: media.StreamKey{App: "live", Name: "x"}})
	require.ErrorIs(t, err, hook.ErrNotHandled)
	for _, name := range []string{"x", "_", deviceID(1), deviceID(1) + "_9", deviceID(2) + "_" + channelID(1), deviceID(1) + "_../x"} {
		refused, err := s.OnStreamNotFound(t.Context(), &hook.PlayEvent{Stream: media.StreamKey{App: "rtp", Name: name}})
		require.NoError(t, err)
		require.True(t, refused, name)
	}
	other := streamOf(1)
	other.VHost = "example.com"
	refused, err := s.OnStreamNotFound(t.Context(), &hook.PlayEvent{Stream: other})
	require.NoError(t, err)
	require.True(t, refused)
	require.Zero(t, s.receiver.opened)
}

// What strangers send by UDP and TCP ends nothing, and is kept by nobody.
func TestStrangers(t *testing.T) {
	t.Parallel()
	s := start(t, platform.Config{})
	const via = "Via: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK"
	const from, to = "From: <sip:1@a>;tag=1\r\n", "To: <sip:1@a>\r\nCall-ID: 1\r\n"
	texts := []string{
		"\x00\x00", "\r\n\r\n", "REGISTER", "REGISTER sip:a SIP/2.0\r\n\r\n", "SIP/2.0 200 OK\r\n\r\n", "SIP/2.0 200 OK\r\n" + via + "1\r\n\r\n",
		"REGISTER sip:a SIP/2.0\r\n" + via + "2\r\n\r\n",
		"REGISTER sip:a SIP/2.0\r\n" + via + "3\r\nCSeq: 1 REGISTER\r\nContent-Length: 0\r\n\r\n",
		"REGISTER sip:a SIP/2.0\r\n" + via + "4\r\n" + from + to + "CSeq: 1 REGISTER\r\nAuthorization: Digest x\r\nContent-Length: 0\r\n\r\n",
		"MESSAGE sip:a SIP/2.0\r\n" + via + "5\r\n" + from + to + "CSeq: 1 MESSAGE\r\nContent-Length: 4294967295\r\n\r\n",
		"MESSAGE sip:a SIP/2.0\r\n" + via + "6\r\n" + from + to + "CSeq: 1 MESSAGE\r\nContent-Length: -1\r\n\r\n",
		"CANCEL sip:a SIP/2.0\r\n" + via + "7\r\n" + from + to + "CSeq: 1 CANCEL\r\nContent-Length: 0\r\n\r\n",
		"ACK sip:a SIP/2.0\r\n" + via + "8\r\n" + from + to + "CSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n",
		"INVITE sip:a SIP/2.0\r\n" + via + "9\r\n" + from + to + "CSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n",
		"HELLO sip:a SIP/2.0\r\n" + via + "a\r\n" + from + to + "CSeq: 1 HELLO\r\nContent-Length: 0\r\n\r\n",
		"OPTIONS sip:a SIP/2.0\r\n" + via + "b\r\nX: " + strings.Repeat("x", 30000),
	}
	udp, err := net.Dial("udp", s.addr)
	require.NoError(t, err)
	defer udp.Close()
	for _, text := range texts {
		_, _ = udp.Write([]byte(text))
		tcp, err := net.Dial("tcp", s.addr)
		require.NoError(t, err)
		defer tcp.Close()
		_, err = tcp.Write([]byte(text))
		require.NoError(t, err)
	}
	// One that goes on without an end is hung up on.
	tcp, err := net.Dial("tcp", s.addr)
	require.NoError(t, err)
	defer tcp.Close()
	for err == nil {
		require.NoError(t, tcp.SetDeadline(time.Now().Add(patience)))
		_, err = tcp.Write([]byte("OPTIONS sip:a SIP/2.0\r\nX: " + strings.Repeat("x", 1000)))
	}
	require.NotErrorIs(t, err, os.ErrDeadlineExceeded)

	require.NoError(t, s.camera(t, 1, nil).Register(t.Context(), 3600))
	eventually(t, s.hasChannels(1), "no catalog")
	require.Len(t, s.Devices(), 1)
}

// A device without power is offline when it has missed its keep-alives, and its calls end.
func TestPowerCut(t *testing.T) {
	t.Parallel()
	s := start(t, platform.Config{Keepalive: 300 * time.Millisecond, AnswerTimeout: 2 * time.Second})
	d := s.camera(t, 1, func(c *device.Config) { c.Keepalive = 50 * time.Millisecond })
	stop := run(t, d)
	eventually(t, s.hasChannels(1), "no catalog")
	require.False(t, s.watch(t, 1))
	eventually(t, s.receives(1, 1), "no packets")
	stop()
	d.Close()
	eventually(t, func() bool { return !s.find(1).Online && s.idle() }, "it is online")
	require.True(t, s.watch(t, 1), "it is offline")
}

// One that says nothing is offline, too, and online again when it does.
func TestNoKeepalive(t *testing.T) {
	t.Parallel()
	s := start(t, platform.Config{Keepalive: 100 * time.Millisecond})
	d := s.camera(t, 1, func(c *device.Config) { c.Mute = true })
	run(t, d)
	eventually(t, func() bool { return s.find(1).ID != "" && !s.find(1).Online }, "it is online")
	require.NoError(t, d.Keepalive(t.Context()))
	eventually(t, func() bool { return !s.find(1).Online }, "it is online")
}

// A device at another address is told to register, and does.
func TestAddressChange(t *testing.T) {
	t.Parallel()
	s := start(t, platform.Config{})
	first := s.camera(t, 1, nil)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	require.NoError(t, first.Register(ctx, 3600))
	before := s.find(1).Address
	first.Close()
	second := s.camera(t, 1, nil)
	require.ErrorIs(t, second.Keepalive(ctx), device.StatusError(403))
	require.Equal(t, before, s.find(1).Address)
	run(t, second)
	eventually(t, func() bool { return s.find(1).Address != before }, "the address is the old one")
	eventually(t, s.hasChannels(1), "no catalog")
	require.False(t, s.watch(t, 1))
	eventually(t, s.receives(1, 1), "no packets")
}

// Devices that do not do what they are asked for.
func TestMisbehaviour(t *testing.T) {
	t.Parallel()
	s := start(t, platform.Config{AnswerTimeout: time.Second, MediaTimeout: time.Second})
	for n, c := range []struct {
		name     string
		change   func(*device.Config)
		canceled int
	}{
		{"refuses", func(c *device.Config) { c.Refuses = true }, 0},
		{"is silent", func(c *device.Config) { c.Silent = true }, 0},
		{"sends with an SSRC that it does not tell", func(c *device.Config) { c.Lies = true }, 0},
		{"does not answer", func(c *device.Config) { c.Ignores = true }, 1},
	} {
		d := s.camera(t, n, c.change)
		run(t, d)
		eventually(t, s.hasChannels(n), "no catalog")
		opened := s.receiver.opened
		require.False(t, s.watch(t, n), c.name)
		eventually(t, func() bool { return s.idle() && !s.find(n).Channels[0].Playing }, c.name)
		require.Equal(t, opened+1, s.receiver.opened, c.name)
		require.Zero(t, d.Calls(), c.name)
		require.Equal(t, c.canceled, d.Canceled(), c.name)
	}
	other := s.camera(t, 9, func(c *device.Config) { c.OtherSSRC = true })
	run(t, other)
	eventually(t, s.hasChannels(9), "no catalog")
	require.False(t, s.watch(t, 9))
	eventually(t, s.receives(9, 20), "the SSRC of the answer is not taken")
}

func TestManyDevices(t *testing.T) {
	t.Parallel()
	const devices = 50
	s := start(t, platform.Config{})
	all := make([]*device.Device, devices)
	for n := range devices {
		all[n] = s.camera(t, n, func(c *device.Config) { c.TCP, c.Keepalive = n%2 == 1, time.Second })
		run(t, all[n])
	}
	for n := range devices {
		eventually(t, s.hasChannels(n), "no catalog")
	}
	for n := range devices {
		require.False(t, s.watch(t, n))
	}
	for n := range devices {
		eventually(t, s.receives(n, 5), "no packets")
	}
	for n := range devices {
		_, _, others := s.receiver.count(streamOf(n))
		require.Zero(t, others)
		s.leave(t, n)
	}
	eventually(t, s.idle, "calls are left")
	for n := range devices {
		eventually(t, func() bool { return all[n].Calls() == 0 }, "no BYE")
	}
}

// More devices than there may be: the one that is offline longest gives way, but none that is online.
func TestBounds(t *testing.T) {
	t.Parallel()
	s := start(t, platform.Config{MaxDevices: 2, MaxCalls: 1, NonceLifetime: 500 * time.Millisecond})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var list []*device.Device
	for n := range 3 {
		list = append(list, s.camera(t, n, nil))
	}
	register := func(n, seconds int) error {
		var err error
		for range 20 { // nonces are short-lived here
			if err = list[n].Register(ctx, seconds); err == nil || errors.Is(err, device.StatusError(503)) {
				return err
			}
		}
		return err
	}
	require.NoError(t, register(0, 3600))
	require.NoError(t, register(1, 3600))
	require.ErrorIs(t, register(2, 3600), device.StatusError(503))
	eventually(t, s.hasChannels(0), "no catalog")
	eventually(t, s.hasChannels(1), "no catalog")
	require.False(t, s.watch(t, 0))
	require.True(t, s.watch(t, 1), "there is a call")
	require.NoError(t, register(1, 0))
	require.ErrorIs(t, register(2, 3600), device.StatusError(503), "a nonce of the one that left could be used again")
	eventually(t, func() bool { return register(2, 3600) == nil }, "no place was made")
	require.Equal(t, "", s.find(1).ID)
}

// At the end of the platform devices are told.
func TestShutdown(t *testing.T) {
	t.Parallel()
	s := start(t, platform.Config{})
	d := s.camera(t, 1, nil)
	run(t, d)
	eventually(t, s.hasChannels(1), "no catalog")
	require.False(t, s.watch(t, 1))
	eventually(t, s.receives(1, 1), "no packets")
	s.end()
	eventually(t, func() bool { return d.Calls() == 0 }, "no BYE")
	eventually(t, s.idle, "the port is open")
}
