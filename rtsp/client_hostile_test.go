package rtsp_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtsp"
)

// script is how a server answers, by method. It answers what is not in it with 200.
type script map[string]answer

// answer is what a server does with a request, whose CSeq it gets. It goes on with the next request afterwards.
type answer func(conn net.Conn, cseq string)

// says answers with a text, in which %s is the CSeq.
func says(text string) answer {
	return func(conn net.Conn, cseq string) {
		_, _ = io.WriteString(conn, strings.ReplaceAll(strings.ReplaceAll(text, "%s", cseq), "\n", "\r\n"))
	}
}

// forever sends a piece until nobody takes it.
func forever(piece string) answer {
	return func(conn net.Conn, _ string) {
		for {
			if _, err := io.WriteString(conn, piece); err != nil {
				return
			}
		}
	}
}

// dripping sends a piece now and then until nobody takes it.
func dripping(piece string, every time.Duration) answer {
	return func(conn net.Conn, cseq string) {
		says("RTSP/1.0 200 OK\nCSeq: %s\nSession: 1\n\n")(conn, cseq)
		for {
			time.Sleep(every)
			if _, err := io.WriteString(conn, piece); err != nil {
				return
			}
		}
	}
}

func describes(sdp string) answer {
	return says(fmt.Sprintf("RTSP/1.0 200 OK\nCSeq: %%s\nContent-Length: %d\n\n", len(sdp)) + strings.ReplaceAll(sdp, "\r\n", "\n"))
}

const oneTrack = "v=0\r\nm=audio 0 RTP/AVP 8\r\na=control:track1\r\n"

// serve answers the requests of a connection; all of it at once where the script has an answer to "".
func (s script) serve(conn net.Conn) {
	defer conn.Close()
	if do := s[""]; do != nil {
		do(conn, "")
		return
	}
	r := bufio.NewReader(conn)
	for {
		method, cseq, length := "", "", 0
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return
			}
			line = strings.TrimRight(line, "\r\n")
			if line == "" {
				break
			}
			if method == "" {
				method, _, _ = strings.Cut(line, " ")
			}
			if v, ok := strings.CutPrefix(line, "CSeq: "); ok {
				cseq = v
			}
			_, _ = fmt.Sscanf(line, "Content-Length: %d", &length)
		}
		if _, err := r.Discard(length); err != nil {
			return
		}
		switch do := s[method]; {
		case do != nil:
			do(conn, cseq)
		case method == "DESCRIBE":
			describes(oneTrack)(conn, cseq)
		default:
			says("RTSP/1.0 200 OK\nCSeq: %s\nSession: 1\n\n")(conn, cseq)
		}
	}
}

// bubble is a client that runs in one, against a script.
type bubble struct {
	m      *media.Server
	cfg    rtsp.ClientConfig
	quiet  chan struct{} // closed when what is pushed pauses
	ended  chan error
	cancel context.CancelFunc
}

// run is a test in a bubble, of Pull or Push, with a server that has a script. At the end all goroutines must be gone.
func run(t *testing.T, push bool, rawURL string, s script, check func(t *testing.T, b *bubble)) {
	synctest.Test(t, func(t *testing.T) {
		m, err := media.New(media.Config{Options: hook.StreamOptions{ContinuePush: new(time.Duration(0))}})
		require.NoError(t, err)
		b := &bubble{m: m, quiet: make(chan struct{}), ended: make(chan error, 1)}
		var serving sync.WaitGroup
		defer serving.Wait()
		b.cfg.Dial = func(context.Context, string, string) (net.Conn, error) {
			client, server := net.Pipe()
			serving.Go(func() { s.serve(server) })
			return client, nil
		}
		var ctx context.Context
		ctx, b.cancel = context.WithCancel(t.Context())
		defer b.cancel()
		if push {
			track := &media.Track{ID: 1, Codec: media.G711A, SampleRate: 8000, Channels: 1}
			pub, err := m.Publish(ctx, media.PublishRequest{Stream: testKey, Schema: "test"})
			require.NoError(t, err)
			require.NoError(t, pub.SetTracks(track))
			var writing sync.WaitGroup
			writing.Go(func() { b.write(ctx, pub, track) })
			defer func() {
				b.cancel()
				writing.Wait()
				pub.Close(nil)
				require.NoError(t, m.Close())
			}()
			go func() { b.ended <- rtsp.Push(ctx, m, testKey, rawURL, b.cfg) }()
		} else {
			defer func() { require.NoError(t, m.Close()) }()
			go func() { b.ended <- rtsp.Pull(ctx, m, rawURL, testKey, b.cfg) }()
		}
		check(t, b)
		b.cancel()
		synctest.Wait()
		if !push {
			for st := range m.Streams() {
				t.Errorf("%s is still there", st.Key())
			}
		}
		for x := range m.Sessions() {
			if !push || x.Player() != nil { // the other is who publishes what is pushed
				t.Errorf("session %s is still there", x.Info().ID)
			}
		}
	})
}

// write writes audio until it is to be quiet.
func (b *bubble) write(ctx context.Context, pub *media.Publisher, track *media.Track) {
	for at := time.Duration(0); ; at += 20 * time.Millisecond {
		_ = pub.WritePacket(&media.Packet{Track: track, DTS: at, PTS: at, Key: true, Data: make([]byte, 160)})
		select {
		case <-ctx.Done():
			return
		case <-b.quiet:
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// steps are the requests that a client makes.
var steps = map[bool][]string{false: {"OPTIONS", "DESCRIBE", "SETUP", "PLAY"}, true: {"OPTIONS", "ANNOUNCE", "SETUP", "RECORD"}}

// Whatever a server answers, a client gives up within the time of a request and says why.
func TestHostileServers(t *testing.T) {
	for name, c := range map[string]struct {
		answer answer
		want   string // in the error
	}{
		"endless headers": {forever("X-Header: value\r\n"), "malformed"}, // no status line
		"endless headers of a reply": {func(conn net.Conn, cseq string) {
			says("RTSP/1.0 200 OK\nCSeq: %s\n")(conn, cseq)
			forever("X-Header: value\r\n")(conn, cseq)
		}, "too big"},
		"an endless line":         {forever("RTSP/1.0 200 OK "), "too big"},
		"a body of 1 GiB":         {says("RTSP/1.0 200 OK\nCSeq: %s\nContent-Length: 1073741824\n\n"), "too big"},
		"a negative body":         {says("RTSP/1.0 200 OK\nCSeq: %s\nContent-Length: -1\n\n"), "malformed"},
		"a body of 2^70":          {says("RTSP/1.0 200 OK\nCSeq: %s\nContent-Length: 1180591620717411303424\n\n"), "malformed"},
		"a body that never comes": {says("RTSP/1.0 200 OK\nCSeq: %s\nContent-Length: 1000\n\n"), "timeout"},
		"a redirect to itself":    {says("RTSP/1.0 302 Found\nCSeq: %s\nLocation: rtsp://h/live/test\n\n"), "302 Found"},
		"401 for ever":            {says("RTSP/1.0 401 Unauthorized\nCSeq: %s\nWWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\n\n"), "401 Unauthorized"},
		"401 without a challenge": {says("RTSP/1.0 401 Unauthorized\nCSeq: %s\n\n"), "401 Unauthorized"},
		"401 of any sort":         {says("RTSP/1.0 401 No\nCSeq: %s\nWWW-Authenticate: Digest\nWWW-Authenticate: ,,=\"\nWWW-Authenticate: Basic\n\n"), "401 No"},
		"a wrong CSeq":            {says("RTSP/1.0 200 OK\nCSeq: 77\n\n"), "timeout"},
		"wrong CSeqs for ever":    {forever("RTSP/1.0 200 OK\r\nCSeq: 77\r\n\r\n"), "no response"},
		"requests for ever":       {forever("OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n"), "no response"},
		"frames for ever":         {forever("$\x09\x00\x04abcd"), "no response"},
		"a frame that is cut off": {says("$\x00\xff\xff"), "timeout"},
		"zeros for ever":          {forever(strings.Repeat("\x00", 1000)), "no message"},
		"no code":                 {says("RTSP/1.0\nCSeq: %s\n\n"), "malformed"},
		"a code of 100,000":       {says("RTSP/1.0 100000 OK\nCSeq: %s\n\n"), "malformed"},
		"nothing":                 {func(net.Conn, string) {}, "timeout"},
		"a hang-up":               {func(conn net.Conn, _ string) { conn.Close() }, "EOF"},
		"a hang-up within": {func(conn net.Conn, cseq string) {
			says("RTSP/1.0 200 OK\nCSeq: %s\nContent-Le")(conn, cseq)
			conn.Close()
		}, "unexpected EOF"},
		"a byte each second": {func(conn net.Conn, _ string) {
			for {
				time.Sleep(time.Second)
				if _, err := conn.Write([]byte("R")); err != nil {
					return
				}
			}
		}, "timeout"},
	} {
		for push, methods := range steps {
			for _, method := range methods {
				t.Run(fmt.Sprintf("%s to %s", name, method), func(t *testing.T) {
					run(t, push, "rtsp://user:secret@h/live/test", script{method: c.answer}, func(t *testing.T, b *bubble) {
						begun := time.Now()
						if method == "OPTIONS" && c.want[0] <= '9' { // a client is no worse for it
							time.Sleep(5 * time.Second)
							require.Empty(t, b.ended)
							return
						}
						err := <-b.ended
						require.ErrorContains(t, err, c.want)
						require.NotContains(t, err.Error(), "secret")
						require.LessOrEqual(t, time.Since(begun), 11*time.Second)
					})
				})
			}
		}
	}
}

// Descriptions of any kind are refused or used as far as they go.
func TestHostileDescriptions(t *testing.T) {
	for name, c := range map[string]struct {
		sdp   string
		pulls bool
	}{
		"nothing":               {"", false},
		"1 MiB":                 {strings.Repeat("a=x\r\n", 1<<20/5), false},
		"1 MiB in one line":     {"v=0\r\na=" + strings.Repeat("x", 1<<20), false},
		"10,000 tracks":         {"v=0\r\n" + strings.Repeat("m=audio 0 RTP/AVP 8\r\n", 10000), false}, // over 64 KiB
		"3,000 tracks":          {"v=0\r\n" + strings.Repeat("m=audio 0 RTP/AVP 8\r\n", 3000), true},
		"no media":              {"v=0\r\ns=-\r\n", false},
		"negative ports":        {"v=0\r\nm=audio -5 RTP/AVP 8\r\nc=IN IP4 -1.2.3.4\r\n", true},
		"control of another":    {"v=0\r\na=control:http://x/\r\nm=audio 0 RTP/AVP 8\r\na=control:rtsp://evil:554/x\r\n", true},
		"control with ends":     {"v=0\r\nm=audio 0 RTP/AVP 8\r\na=control:x\rEvil: 1\rCSeq: 9\r\n", true},
		"control with spaces":   {"v=0\r\nm=audio 0 RTP/AVP 8\r\na=control:x RTSP/1.0 y\r\n", true},
		"a control of 8,000":    {"v=0\r\nm=audio 0 RTP/AVP 8\r\na=control:" + strings.Repeat("x", 8000) + "\r\n", true},
		"bytes that are no UTF": {"v=0\r\ns=\xff\xfe\x00\r\nm=audio 0 RTP/AVP 8\r\na=control:\xff\x00\r\n", true},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, false, "rtsp://h/live/test", script{"DESCRIBE": describes(c.sdp), "PLAY": dripping("$\x00\x00\x04abcd", time.Second)}, func(t *testing.T, b *bubble) {
				begun := time.Now()
				if c.pulls {
					time.Sleep(5 * time.Second)
					require.Empty(t, b.ended)
					b.cancel()
				}
				err := <-b.ended
				require.Error(t, err)
				require.Less(t, time.Since(begun), 12*time.Second)
			})
		})
	}
}

// Transports of any kind are taken for what was asked, or refused.
func TestHostileTransports(t *testing.T) {
	for name, c := range map[string]struct {
		transport string
		want      string // in the error of a pull, "" if it plays
	}{
		"negative channels": {"RTP/AVP/TCP;interleaved=-1--2", ""},
		"channels over 255": {"RTP/AVP/TCP;interleaved=300-301", ""},
		"channel 255":       {"RTP/AVP/TCP;interleaved=255", ""},
		"one for both":      {"RTP/AVP/TCP;interleaved=4-4", ""},
		"nonsense":          {";;;=;,,,", ""},
		"16,000 choices":    {strings.Repeat("RTP/AVP/TCP,", 600), ""},
	} {
		for push := range steps {
			t.Run(fmt.Sprintf("%s, push %t", name, push), func(t *testing.T) {
				run(t, push, "rtsp://h/live/test", script{
					"SETUP": says("RTSP/1.0 200 OK\nCSeq: %s\nSession: 1\nTransport: " + c.transport + "\n\n"),
					"PLAY":  dripping("$\x00\x00\x04abcd", time.Second),
				}, func(t *testing.T, b *bubble) {
					time.Sleep(5 * time.Second)
					require.Empty(t, b.ended)
					b.cancel()
					require.ErrorIs(t, <-b.ended, context.Canceled)
				})
			})
		}
	}
}

// What comes after PLAY must be media, or the pull ends.
func TestHostileMedia(t *testing.T) {
	for name, c := range map[string]struct {
		answer answer
		want   string
	}{
		"nothing":             {says("RTSP/1.0 200 OK\nCSeq: %s\n\n"), "no media"},
		"other channels":      {dripping("$\x77\x00\x04abcd", time.Second), "no media"},
		"reports alone":       {dripping("$\x01\x00\x08\x80\xc9\x00\x01\x00\x00\x00\x01", time.Second), "no media"},
		"responses":           {dripping("RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n", time.Second), "no media"},
		"requests":            {dripping("GET_PARAMETER * RTSP/1.0\r\nCSeq: 1\r\n\r\n", time.Second), "no media"},
		"garbage":             {dripping(strings.Repeat("\x00", 100), time.Millisecond), "no m"},
		"a response of 1 GiB": {dripping("RTSP/1.0 200 OK\r\nContent-Length: 1073741824\r\n\r\n", time.Second), "too big"},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, false, "rtsp://h/live/test", script{"PLAY": c.answer}, func(t *testing.T, b *bubble) {
				begun := time.Now()
				require.ErrorContains(t, <-b.ended, c.want)
				require.LessOrEqual(t, time.Since(begun), 31*time.Second)
			})
		})
	}
}

// The end of the context ends a client at once, wherever it is.
func TestClientsEndWithTheirContext(t *testing.T) {
	wait := func(conn net.Conn, _ string) { _, _ = conn.Read(make([]byte, 1)) } // says nothing
	deaf := func(conn net.Conn, _ string) { _, _ = io.Copy(io.Discard, conn) }
	half := func(conn net.Conn, cseq string) {
		says("RTSP/1.0 200 OK\nCSeq: %s\nContent-Length: 1000\n\nabc")(conn, cseq)
		wait(conn, cseq)
	}
	for push, methods := range steps {
		for _, method := range methods {
			for name, do := range map[string]answer{"silent": wait, "half": half} {
				t.Run(method+" "+name, func(t *testing.T) {
					run(t, push, "rtsp://h/live/test", script{method: do}, endsAtOnce)
				})
			}
		}
		t.Run(fmt.Sprintf("playing, push %t", push), func(t *testing.T) {
			run(t, push, "rtsp://h/live/test", script{"PLAY": dripping("$\x00\x00\x04abcd", time.Second)}, endsAtOnce)
		})
		t.Run(fmt.Sprintf("TLS, push %t", push), func(t *testing.T) {
			run(t, push, "rtsps://h/live/test", script{"": deaf}, endsAtOnce)
		})
	}
}

// endsAtOnce cancels a client that is on its way.
func endsAtOnce(t *testing.T, b *bubble) {
	time.Sleep(3 * time.Second)
	synctest.Wait()
	require.Empty(t, b.ended, "it has ended by itself")
	begun := time.Now()
	b.cancel()
	require.ErrorIs(t, <-b.ended, context.Canceled)
	require.Less(t, time.Since(begun), time.Second)
}

// A server that takes nothing any more holds up neither the end of a client nor that of its context.
func TestDeafServers(t *testing.T) {
	for push, method := range map[bool]string{false: "PLAY", true: "RECORD"} {
		deaf := func(conn net.Conn, cseq string) {
			session := "1"
			if !push {
				session += ";timeout=2" // so that the client wants to say something
			}
			says("RTSP/1.0 200 OK\nCSeq: %s\nSession: "+session+"\n\n")(conn, cseq)
			for i := 0; ; i++ { // what it plays goes on
				if _, err := fmt.Fprintf(conn, "$\x00\x00\x0c\x80\x08\x00%c\x00\x00\x00\x00\x00\x00\x00\x01", i%128); err != nil {
					return
				}
				time.Sleep(100 * time.Millisecond)
			}
		}
		t.Run(method, func(t *testing.T) {
			run(t, push, "rtsp://h/live/test", script{method: deaf}, func(t *testing.T, b *bubble) { endsAtOnce(t, b) })
		})
		t.Run(method+", kicked", func(t *testing.T) {
			run(t, push, "rtsp://h/live/test", script{method: deaf}, func(t *testing.T, b *bubble) {
				time.Sleep(3 * time.Second)
				begun := time.Now()
				for x := range b.m.Sessions() {
					if !push || x.Player() != nil {
						x.Kick(media.ErrKicked)
					}
				}
				require.ErrorIs(t, <-b.ended, media.ErrKicked)
				require.Less(t, time.Since(begun), time.Second)
			})
		})
	}
	run(t, true, "rtsp://h/live/test", script{"RECORD": func(conn net.Conn, cseq string) {
		says("RTSP/1.0 200 OK\nCSeq: %s\n\n")(conn, cseq)
		time.Sleep(time.Minute)
	}}, func(t *testing.T, b *bubble) {
		begun := time.Now()
		require.ErrorContains(t, <-b.ended, "timeout")
		require.LessOrEqual(t, time.Since(begun), 11*time.Second)
	})
}

// A push that has nothing to say for long tells the server that it lives.
func TestQuietPushIsKeptAlive(t *testing.T) {
	var alive atomic.Int64
	count := func(conn net.Conn, cseq string) {
		alive.Add(1)
		says("RTSP/1.0 200 OK\nCSeq: %s\n\n")(conn, cseq)
	}
	run(t, true, "rtsp://h/live/test", script{"OPTIONS": count, "RECORD": says("RTSP/1.0 200 OK\nCSeq: %s\nSession: 1;timeout=60\n\n")}, func(t *testing.T, b *bubble) {
		time.Sleep(time.Second)
		close(b.quiet)
		before := alive.Load()
		time.Sleep(5 * time.Minute)
		require.Empty(t, b.ended)
		require.GreaterOrEqual(t, alive.Load()-before, int64(9))
	})
}

// Reports alone are no media, by UDP neither: the pull ends.
func TestPullOfReportsByUDP(t *testing.T) {
	server := udpPair(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var serving sync.WaitGroup
	defer serving.Wait()
	defer ln.Close()
	serving.Go(func() {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		script{
			"SETUP": says(fmt.Sprintf("RTSP/1.0 200 OK\nCSeq: %%s\nSession: 1\nTransport: RTP/AVP;unicast;server_port=%d-%d\n\n",
				server[0].LocalAddr().(*net.UDPAddr).Port, server[1].LocalAddr().(*net.UDPAddr).Port)),
			"PLAY": func(conn net.Conn, cseq string) {
				says("RTSP/1.0 200 OK\nCSeq: %s\n\n")(conn, cseq)
				_, to, err := server[1].ReadFromUDP(make([]byte, 1500)) // what opens the way
				for err == nil {
					_, _ = server[1].WriteToUDP([]byte{0x80, 201, 0, 1, 0, 0, 0, 1}, to)
					err = conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
					if _, gone := conn.Read(make([]byte, 1)); errors.Is(gone, io.EOF) {
						return
					}
				}
			},
		}.serve(conn)
	})
	m, err := media.New(media.Config{})
	require.NoError(t, err)
	defer m.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err = rtsp.Pull(ctx, m, "rtsp://"+ln.Addr().String()+"/x", testKey, rtsp.ClientConfig{Transport: rtsp.UDP, IdleTimeout: 300 * time.Millisecond})
	require.Error(t, err)
	require.NoError(t, ctx.Err())
}
