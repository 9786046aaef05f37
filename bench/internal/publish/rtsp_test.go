package publish

import (
	"bufio"
	"fmt"
	"net"
	"net/textproto"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/bench/internal/watch"
	"github.com/sluice-media/sluice/bench/internal/wire"
)

// passes is the interleaved frames of n passes through the clip. keep says which packets are sent.
func passes(t *testing.T, c *clip, n int, keep func(pass, step, packet int) bool) (sdp string, media []byte) {
	t.Helper()
	f, err := newForm("rtsp", c)
	require.NoError(t, err)
	for pass := range n {
		for i, s := range f.steps {
			f.renew(s, uint32(pass))
			for k, b := 0, f.data[s.begin:s.end]; len(b) > 0; k++ {
				size := frameHead + int(b[2])<<8 + int(b[3])
				if keep(pass, i, k) {
					media = append(media, b[:size]...)
				}
				b = b[size:]
			}
		}
	}
	sets, err := parameterSets(c.video)
	require.NoError(t, err)
	text, tracks := c.sdp(sets, 44100)
	require.Equal(t, 2, tracks)
	return fmt.Sprintf(text, "127.0.0.1"), media
}

func everything(_, _, _ int) bool { return true }

// serve answers a player's requests, sends media behind the reply to PLAY, and hangs up.
func serve(c net.Conn, sdp string, media []byte) {
	defer c.Close()
	r := textproto.NewReader(bufio.NewReader(c))
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
		reply := "RTSP/1.0 200 OK\r\nCSeq: " + head.Get("CSeq") + "\r\nSession: 7;timeout=60\r\n"
		switch method {
		case "DESCRIBE":
			reply += fmt.Sprintf("Content-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s", len(sdp), sdp)
		case "SETUP":
			reply += "Transport: " + head.Get("Transport") + ";ssrc=1\r\n\r\n"
		default:
			reply += "\r\n"
		}
		if _, err := c.Write([]byte(reply)); err != nil {
			return
		}
		if method == "PLAY" {
			_, _ = c.Write(media)
			return
		}
	}
}

// play watches what a player makes of media until the end or the first fault.
func play(t *testing.T, sdp string, media []byte) (*watch.Watcher, *wire.RTSP, error) {
	t.Helper()
	client, server := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		serve(server, sdp, media)
	}()
	t.Cleanup(func() {
		client.Close()
		<-done
	})
	require.NoError(t, client.SetDeadline(time.Now().Add(10*time.Second)))
	u, err := url.Parse("rtsp://127.0.0.1:554/live/a")
	require.NoError(t, err)
	source, err := wire.PlayRTSP(client, u, nil)
	require.NoError(t, err)
	w := &watch.Watcher{Strict: true}
	for {
		m, err := source.Next()
		if err == nil {
			err = w.Message(m, time.Now())
		}
		if err != nil {
			return w, source, err
		}
	}
}

func TestRTPGoesOnAcrossPasses(t *testing.T) {
	t.Parallel()
	sdp, media := passes(t, parsed(t, 5000), 3, everything)
	w, source, err := play(t, sdp, media)
	require.NotErrorIs(t, err, wire.ErrMalformed)
	require.Len(t, w.Pictures(), 30)
	require.Zero(t, w.Gaps())
	require.Zero(t, source.Missing())
	require.Equal(t, 29*40*time.Millisecond, w.Pictures()[29].Time)
}

func TestRTPMayLeaveOutWholePictures(t *testing.T) {
	t.Parallel()
	sdp, media := passes(t, parsed(t, 5000), 3, func(pass, step, _ int) bool { return pass != 1 || step == 0 })
	w, source, err := play(t, sdp, media)
	require.NotErrorIs(t, err, wire.ErrMalformed)
	require.Len(t, w.Pictures(), 21)
	require.Equal(t, 1, w.Gaps())
	require.Positive(t, source.Missing())
}

func TestRTPFaultsAreMalformed(t *testing.T) {
	t.Parallel()
	for name, keep := range map[string]func(pass, step, packet int) bool{
		"torn picture":        func(_, step, packet int) bool { return step != 4 || packet != 2 },
		"first fragment left": func(_, step, packet int) bool { return step != 4 || packet != 2 && packet != 1 },
		"no key after a gap":  func(_, step, _ int) bool { return step != 4 },
		"no key at first":     func(_, step, _ int) bool { return step != 0 },
	} {
		sdp, media := passes(t, parsed(t, 5000), 1, keep)
		_, _, err := play(t, sdp, media)
		require.ErrorIs(t, err, wire.ErrMalformed, name)
	}
	sdp, media := passes(t, parsed(t, 5000), 1, everything)
	_, _, err := play(t, sdp, append(media, media...))
	require.ErrorIs(t, err, wire.ErrMalformed, "sequence numbers go back")
	_, _, err = play(t, strings.ReplaceAll(sdp, " 96", " 98"), media)
	require.ErrorIs(t, err, wire.ErrMalformed, "another payload type")
}

func TestParameterSetsRefuse(t *testing.T) {
	t.Parallel()
	header := parsed(t, 10).video
	sets, err := parameterSets(header)
	require.NoError(t, err)
	require.Len(t, sets, 2)
	for n := range header {
		_, err := parameterSets(header[:n])
		require.Error(t, err, "%d bytes", n)
	}
}
