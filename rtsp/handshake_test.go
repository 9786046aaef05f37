package rtsp_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtsp"
)

const (
	alawSDP  = "v=0\nm=audio 0 RTP/AVP 8\na=control:streamid=0\n"
	viaTCP   = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1"
	viaUDP   = "Transport: RTP/AVP;unicast;client_port=%d-%d"
	inRecord = ";mode=record"
)

// announce is an ANNOUNCE of A-law.
func announce(url string) string { return announceOf(url, alawSDP) }

func announceOf(url, body string) string {
	return fmt.Sprintf("ANNOUNCE %s RTSP/1.0\nCSeq: 1\nContent-Type: application/sdp\nContent-Length: %d\n\n%s",
		url, len(body)+strings.Count(body, "\n"), strings.TrimSuffix(body, "\n")) // request ends all lines with CRLF
}

// say sends requests, each of which must be answered with 200.
func say(t testing.TB, conn net.Conn, texts ...string) {
	t.Helper()
	for _, text := range texts {
		require.Contains(t, status(request(t, conn, text)), " 200 ", text)
	}
}

// requireHangUp waits until the server has closed a connection.
func requireHangUp(t testing.TB, conn net.Conn, what string) {
	t.Helper()
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(patience)))
	_, err := conn.Read(make([]byte, 1))
	ne, ok := errors.AsType[net.Error](err)
	require.False(t, err == nil || ok && ne.Timeout(), "%s: it goes on: %v", what, err)
}

// One deadline holds from the connection to PLAY or RECORD, whatever was asked between.
func TestHandshakeDeadline(t *testing.T) {
	const limit = 3 * time.Second
	m, addr := start(t, media.Config{Hooks: []hook.Hook{&gate{}}}, rtsp.Config{HandshakeTimeout: limit, IdleTimeout: time.Minute})
	publishClip(t, m)
	_, locked := start(t, media.Config{Hooks: []hook.Hook{&gate{realm: "r"}}}, rtsp.Config{HandshakeTimeout: limit})
	play, publish, another, third := "rtsp://h/live/test", "rtsp://h/live/1", "rtsp://h/live/2", "rtsp://h/live/3"
	setup := "SETUP " + play + "/trackID=0 RTSP/1.0\nCSeq: 2\n"
	begun := time.Now()
	conns := map[string]net.Conn{}
	for name, c := range map[string]struct {
		addr  string
		texts []string
	}{
		"DESCRIBE":       {addr, []string{"DESCRIBE " + play + " RTSP/1.0\nCSeq: 1"}},
		"SETUP, TCP":     {addr, []string{setup + viaTCP}},
		"SETUP, UDP":     {addr, []string{setup + fmt.Sprintf(viaUDP, 5000, 5001)}},
		"ANNOUNCE":       {addr, []string{announce(publish)}},
		"ANNOUNCE SETUP": {addr, []string{announce(another), "SETUP " + another + "/streamid=0 RTSP/1.0\nCSeq: 2\n" + viaTCP + inRecord}},
		"SETUP of ports": {addr, []string{announce(third), "SETUP " + third + "/streamid=0 RTSP/1.0\nCSeq: 2\n" + fmt.Sprintf(viaUDP, 5000, 5001) + inRecord}},
		"challenge":      {locked, nil},
	} {
		conns[name] = dial(t, c.addr)
		say(t, conns[name], c.texts...)
	}
	require.Contains(t, status(request(t, conns["challenge"], "DESCRIBE "+play+" RTSP/1.0\nCSeq: 1")), " 401 ")
	for name, conn := range conns {
		requireHangUp(t, conn, name)
	}
	require.Less(t, time.Since(begun), patience)
}

// pausing is a hook that takes its time.
type pausing struct {
	gate
	pause time.Duration
}

func (p *pausing) OnPlay(ctx context.Context, _ *hook.PlayEvent) error {
	select {
	case <-time.After(p.pause):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// The time that a hook takes is not the client's.
func TestHandshakeLeavesTimeToHooks(t *testing.T) {
	const limit = 3 * time.Second
	m, addr := start(t, media.Config{Hooks: []hook.Hook{&pausing{pause: limit + time.Second}}}, rtsp.Config{HandshakeTimeout: limit})
	publishClip(t, m)
	url := "rtsp://h/live/test"
	say(t, dial(t, addr), "DESCRIBE "+url+" RTSP/1.0\nCSeq: 1", "SETUP "+url+"/trackID=0 RTSP/1.0\nCSeq: 2\n"+viaTCP)
}

// Who announces a stream does not hold it. Who records does, and then others hear so at once.
func TestRecordHoldsTheStream(t *testing.T) {
	m, addr := start(t, media.Config{}, rtsp.Config{})
	url := "rtsp://h/live/test"
	setup, record := "SETUP "+url+"/streamid=0 RTSP/1.0\nCSeq: 2\n"+viaTCP+inRecord, "RECORD "+url+" RTSP/1.0\nCSeq: 3"
	first, second := dial(t, addr), dial(t, addr)
	say(t, first, announce(url), setup)
	say(t, second, announce(url), setup, record)
	await(t, m)
	require.Contains(t, status(request(t, first, record)), " 406 ")
	require.Contains(t, status(request(t, dial(t, addr), announce(url))), " 406 ")
	say(t, second, "TEARDOWN "+url+" RTSP/1.0\nCSeq: 4")
	require.Eventually(t, func() bool { _, ok := m.Stream(testKey); return !ok }, patience, 10*time.Millisecond)
	say(t, dial(t, addr), announce(url), setup, record)
}

// What OnPublish replies counts for the stream that RECORD opens.
func TestRecordUsesTheReply(t *testing.T) {
	m, addr := start(t, media.Config{Hooks: []hook.Hook{renaming{}}}, rtsp.Config{})
	url := "rtsp://h/live/alias"
	say(t, dial(t, addr), announce(url), "SETUP "+url+"/streamid=0 RTSP/1.0\nCSeq: 2\n"+viaTCP+inRecord, "RECORD "+url+" RTSP/1.0\nCSeq: 3")
	require.Equal(t, 7*time.Second, *await(t, m).Options().ContinuePush)
}

type renaming struct{}

func (renaming) OnPublish(context.Context, *hook.PublishEvent) (hook.PublishReply, error) {
	return hook.PublishReply{StreamReplace: testKey.Name, Options: hook.StreamOptions{ContinuePush: new(7 * time.Second)}}, nil
}

// Nobody is told that he may not when nobody could decide.
func TestHookBackendDown(t *testing.T) {
	down := errors.New("connection refused")
	url := "rtsp://h/live/test"
	for name, c := range map[string]struct {
		hook hook.Hook
		text string
		code string
	}{
		"publish":         {&gate{publish: down}, announce(url), "503"},
		"publish, denied": {&gate{publish: hook.Deny(1, "no")}, announce(url), "401"},
		"play":            {failingPlay{down}, "DESCRIBE " + url + " RTSP/1.0\nCSeq: 1", "503"},
		"play, denied":    {failingPlay{hook.Deny(1, "no")}, "DESCRIBE " + url + " RTSP/1.0\nCSeq: 1", "401"},
		"realm":           {&gate{err: down}, "DESCRIBE " + url + " RTSP/1.0\nCSeq: 1", "503"},
		"realm, denied":   {&gate{err: hook.Deny(1, "no")}, "DESCRIBE " + url + " RTSP/1.0\nCSeq: 1", "401"},
		"login": {
			&failingAuth{gate{realm: "r"}, down},
			"DESCRIBE " + url + " RTSP/1.0\nCSeq: 1\n" + `Authorization: Digest username="ann", realm="r", nonce="n", uri="x", response="00"`, "503",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, addr := start(t, media.Config{Hooks: []hook.Hook{c.hook}, PlayWait: -1}, rtsp.Config{})
			res := request(t, dial(t, addr), c.text)
			require.Contains(t, status(res), " "+c.code+" ")
			require.NotContains(t, res, "connection refused")
		})
	}
}

type failingPlay struct{ err error }

func (f failingPlay) OnPlay(context.Context, *hook.PlayEvent) error { return f.err }

type failingAuth struct {
	gate
	err error
}

func (f *failingAuth) OnRTSPAuth(context.Context, *hook.RTSPAuthEvent) (hook.RTSPAuthReply, error) {
	return hook.RTSPAuthReply{}, f.err
}
