package gb28181_test

import (
	"bytes"
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/gb28181"
	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/clip"
	"github.com/sluice-media/sluice/internal/testmedia"
	"github.com/sluice-media/sluice/media"
)

var live = media.StreamKey{VHost: hook.DefaultVHost, App: "live", Name: "test"}

// publish publishes the film over and over, in real time.
func publish(t testing.TB, m *media.Server) *media.Publisher {
	t.Helper()
	c, err := clip.Load(bytes.NewReader(testmedia.H264B()))
	require.NoError(t, err)
	pub, err := m.Publish(t.Context(), media.PublishRequest{Stream: live})
	require.NoError(t, err)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = c.Play(context.Background(), pub) // it ends with the stream
	}()
	t.Cleanup(func() {
		pub.Close(nil)
		<-done
	})
	await(t, m, live)
	return pub
}

// stops keeps what observers are told of senders.
type stops struct {
	mu   sync.Mutex
	list []hook.SendRTPStoppedEvent
}

func (s *stops) OnSendRTPStopped(_ context.Context, ev *hook.SendRTPStoppedEvent) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.list = append(s.list, *ev)
}

func (s *stops) all() []hook.SendRTPStoppedEvent {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]hook.SendRTPStoppedEvent(nil), s.list...)
}

// What is sent in each form and by each transport is what a receiver has.
func TestSend(t *testing.T) {
	payloads := map[string]gb28181.Payload{"PS": gb28181.PayloadPS, "TS": gb28181.PayloadTS, "ES": gb28181.PayloadES}
	for name, payload := range payloads {
		for _, how := range []string{"UDP", "TCP", "passive TCP", "passive UDP"} {
			t.Run(name+" by "+how, func(t *testing.T) {
				t.Parallel()
				told := &stops{}
				m, s := start(t, media.Config{Hooks: []hook.Hook{told}}, gb28181.Config{})
				publish(t, m)
				_, film := film(t)
				udp, passive := how == "UDP" || how == "passive UDP", how == "passive TCP" || how == "passive UDP"
				open := gb28181.Request{Stream: camera, Mode: gb28181.TCPPassive}
				if how == "passive TCP" {
					open.Mode = gb28181.TCPActive
				}
				port, err := s.Open(t.Context(), open)
				require.NoError(t, err)
				send := gb28181.SendRequest{Stream: live, SSRC: 77, Host: "127.0.0.1", Port: port.Number, UDP: udp, Payload: payload}
				if passive {
					send.Mode, send.Host, send.Port = gb28181.Listen, "", 0
				}
				from, err := s.Send(t.Context(), send)
				require.NoError(t, err)
				require.Positive(t, from)
				switch how {
				case "passive TCP":
					require.NoError(t, s.Connect(t.Context(), camera, "127.0.0.1", from))
				case "passive UDP":
					knock(t, port.Number, from)
				}
				requireRun(t, await(t, m, camera), film, 100)
				require.Len(t, s.Senders(live), 1)
				require.EqualValues(t, 77, s.Senders(live)[0].SSRC)
				require.Positive(t, s.Senders(live)[0].TotalBytes)
				st, _ := m.Stream(live)
				here, _ := st.Readers("rtp")
				require.Equal(t, 1, here)
				require.Equal(t, 1, s.StopSend(live, 77))
				require.Zero(t, s.StopSend(live))
				require.Empty(t, s.Senders(live))
				require.Empty(t, told.all(), "who was told to stop")
			})
		}
	}
}

// knock comes to a port, as a peer does behind address translation, and hands on what it is sent.
func knock(t *testing.T, to, from int) {
	t.Helper()
	conn, err := net.DialUDP("udp4", nil, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: from})
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })
	_, err = conn.Write([]byte("here"))
	require.NoError(t, err)
	write := toUDP(t, to)
	go func() {
		var b [1500]byte
		for {
			n, err := conn.Read(b[:])
			if err != nil || write(b[:n]) != nil {
				return
			}
		}
	}()
}

// A second sender of an SSRC takes the place of the first, unless both agree to that.
func TestSendersOfOneSSRC(t *testing.T) {
	t.Parallel()
	m, s := start(t, media.Config{}, gb28181.Config{})
	publish(t, m)
	sink, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	require.NoError(t, err)
	defer sink.Close()
	send := gb28181.SendRequest{Stream: live, SSRC: 1, Host: "127.0.0.1", Port: sink.LocalAddr().(*net.UDPAddr).Port, UDP: true}
	for range 3 {
		_, err := s.Send(t.Context(), send)
		require.NoError(t, err)
	}
	require.Eventually(t, func() bool { return len(s.Senders(live)) == 1 }, patience, time.Millisecond)
	send.Shared = true
	_, err = s.Send(t.Context(), send)
	require.NoError(t, err)
	require.Len(t, s.Senders(live), 2)
	require.Equal(t, 2, s.StopSend(live))
}

// Observers are told why a sender has ended by itself.
func TestSenderStopped(t *testing.T) {
	t.Parallel()
	told := &stops{}
	m, s := start(t, media.Config{Hooks: []hook.Hook{told}}, gb28181.Config{})
	pub := publish(t, m)
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	send := gb28181.SendRequest{Stream: live, SSRC: 1, Host: "127.0.0.1", Port: ln.Addr().(*net.TCPAddr).Port}
	_, err = s.Send(t.Context(), send)
	require.NoError(t, err)
	conn, err := ln.Accept()
	require.NoError(t, err)
	conn.Close()
	_, err = s.Send(t.Context(), gb28181.SendRequest{Stream: live, SSRC: 2, Mode: gb28181.Listen, ConnectTimeout: 10 * time.Millisecond})
	require.NoError(t, err)
	send.SSRC, send.UDP = 3, true
	_, err = s.Send(t.Context(), send)
	require.NoError(t, err)
	require.Eventually(t, func() bool { return len(told.all()) == 2 }, patience, time.Millisecond)
	pub.Close(nil)
	require.Eventually(t, func() bool { return len(told.all()) == 3 }, patience, time.Millisecond)
	codes := map[string]int{}
	for _, ev := range told.all() {
		require.Equal(t, live, ev.Stream)
		codes[ev.SSRC] = ev.Err
	}
	require.Contains(t, []int{1, 4}, codes["1"], "the peer has closed")
	require.Equal(t, 2, codes["2"], "nobody has come")
	require.Equal(t, 6, codes["3"], "the stream has ended")
	_, err = s.Send(t.Context(), send)
	require.ErrorIs(t, err, media.ErrStreamNotFound)
}

// What cannot be sent, or nowhere, is an error at once.
func TestCannotSend(t *testing.T) {
	t.Parallel()
	m, s := start(t, media.Config{}, gb28181.Config{})
	publish(t, m)
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	require.NoError(t, err)
	port := ln.Addr().(*net.TCPAddr).Port
	ln.Close()
	for name, r := range map[string]gb28181.SendRequest{
		"refused":    {Stream: live, Host: "127.0.0.1", Port: port},
		"no host":    {Stream: live, Port: port},
		"no port":    {Stream: live, Host: "127.0.0.1"},
		"no payload": {Stream: live, Host: "127.0.0.1", Port: port, UDP: true, Payload: 7},
		"no target":  {Stream: live, Mode: gb28181.Talk, Receive: camera},
	} {
		_, err := s.Send(t.Context(), r)
		require.Error(t, err, name)
		require.Empty(t, s.Senders(live))
	}
	require.NoError(t, s.Close())
	_, err = s.Send(t.Context(), gb28181.SendRequest{Stream: live, Host: "127.0.0.1", Port: port, UDP: true})
	require.ErrorIs(t, err, gb28181.ErrServerClosed)
}

// G.711 comes byte by byte as it was published, in each form; as an elementary stream in packets of 100 ms.
func TestSendG711(t *testing.T) {
	for name, payload := range map[string]gb28181.Payload{"PS": gb28181.PayloadPS, "TS": gb28181.PayloadTS, "ES": gb28181.PayloadES} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, s := start(t, media.Config{}, gb28181.Config{})
			pub, err := m.Publish(t.Context(), media.PublishRequest{Stream: live})
			require.NoError(t, err)
			track := &media.Track{ID: 1, Codec: media.G711A, ClockRate: 8000, SampleRate: 8000, Channels: 1}
			require.NoError(t, pub.SetTracks(track))
			port, err := s.Open(t.Context(), gb28181.Request{Stream: camera})
			require.NoError(t, err)
			pcma := uint8(8)
			_, err = s.Send(t.Context(), gb28181.SendRequest{
				Stream: live, SSRC: 77, Host: "127.0.0.1", Port: port.Number, UDP: true, Payload: payload, PayloadType: &pcma, AudioOnly: true,
			})
			require.NoError(t, err)
			var want []byte
			done := make(chan struct{})
			go func() {
				defer close(done)
				for i := range 100 { // frames of 20 ms
					data := make([]byte, 160)
					for k := range data {
						data[k] = byte(i*7 + k)
					}
					want = append(want, data...)
					at := time.Duration(i) * 20 * time.Millisecond
					_ = pub.WritePacket(&media.Packet{Track: track, DTS: at, PTS: at, Data: data})
					time.Sleep(5 * time.Millisecond)
				}
			}()
			r := await(t, m, camera).Read()
			defer r.Close()
			var got []byte
			batch := make([]*media.Packet, 16)
			for len(got) < 40*160 {
				n, err := r.ReadBatch(t.Context(), batch)
				require.NoError(t, err)
				for _, p := range batch[:n] {
					require.Equal(t, media.G711A, p.Track.Codec)
					if payload == gb28181.PayloadES {
						require.Len(t, p.Data, 800)
					}
					got = append(got, p.Data...)
				}
			}
			<-done
			require.True(t, bytes.Contains(want, got), "it is a run of what was published")
		})
	}
}
