package relay

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
)

var errHungUp = errors.New("hung up")

// A success is media that goes on for a while: a peer that takes everybody in and hangs up then, or is silent, is given up as one that refuses is.
func TestWhatCountsAsSuccess(t *testing.T) {
	for name, c := range map[string]struct {
		plays, silent time.Duration // then it hangs up
		attempts      int           // of a retry_count of 3; 20 is as many as there are
	}{
		"refused":           {attempts: 4},
		"hangs up at once":  {plays: time.Millisecond, attempts: 4},
		"after a second":    {plays: time.Second, attempts: 4},
		"after nine":        {plays: 9 * time.Second, attempts: 4},
		"works":             {plays: proven, attempts: 20},
		"is silent at once": {plays: time.Second, silent: time.Hour, attempts: 4},
		"is silent later":   {plays: proven, silent: time.Hour, attempts: 20},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, err := media.New(media.Config{})
				require.NoError(t, err)
				defer m.Close()
				r, err := New(m, Config{})
				require.NoError(t, err)
				attempts := 0
				var began []time.Time
				j := r.newJob("push", "k", edge, "rtmp://a/b", Retry{Force: true, MaxRetries: 3, Timeout: time.Minute}, func(ctx context.Context, playing func(*media.Session)) error {
					began = append(began, time.Now())
					if attempts++; attempts == 20 {
						return media.ErrKicked
					}
					if c.plays == 0 {
						return errHungUp
					}
					x := m.NewSession(hook.Session{}, func(error) {})
					defer x.Close()
					playing(x)
					for begun := time.Now(); time.Since(begun) < c.plays; time.Sleep(c.plays / 10) {
						x.Sent(1000)
					}
					time.Sleep(c.silent)
					return errHungUp
				})
				require.NoError(t, r.begin(r.pushes, j))
				require.NoError(t, j.await(t.Context()))
				<-j.done
				require.Equal(t, c.attempts, attempts)
				pause := began[3].Sub(began[2]) - c.plays - c.silent
				if c.attempts == 4 {
					require.Greater(t, pause, 3*step/2, "it is tried later and later")
				} else {
					require.Less(t, pause, 3*step/2+time.Second)
				}
			})
		})
	}
}

// scriptedRTSP is a server of RTSP that answers all requests as say says, in the order of TCP, until that says to hang up.
func scriptedRTSP(t *testing.T, say func(method string, request []string) (response string, more bool)) (addr string) {
	t.Helper()
	ln := listen(t, "127.0.0.1:0")
	var serving sync.WaitGroup
	t.Cleanup(func() {
		ln.Close()
		serving.Wait()
	})
	serving.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer conn.Close()
				converse(conn, say)
			})
		}
	})
	return ln.Addr().String()
}

func converse(conn net.Conn, say func(string, []string) (string, bool)) {
	from := bufio.NewReader(conn)
	for {
		var lines []string
		for {
			line, err := from.ReadString('\n')
			if err != nil {
				return
			}
			if line = strings.TrimSpace(line); line == "" {
				break
			}
			lines = append(lines, line)
		}
		method, _, _ := strings.Cut(lines[0], " ")
		response, more := say(method, lines)
		if _, err := io.WriteString(conn, response); err != nil || !more {
			return
		}
	}
}

// answerTo is a response that says yes.
func answerTo(request []string, header, body string) string {
	seq := ""
	for _, line := range request {
		if n, ok := strings.CutPrefix(line, "CSeq: "); ok {
			seq = n
		}
	}
	return fmt.Sprintf("RTSP/1.0 200 OK\r\nCSeq: %s\r\nSession: 1\r\n%sContent-Length: %d\r\n\r\n%s", seq, header, len(body), body)
}

// described is a stream whose tracks are known before anything of it has come.
const described = "v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n" +
	"a=fmtp:96 packetization-mode=1; sprop-parameter-sets=Z0LAHtkDxWhAAAADAEAAAAwDxYuS,aMuMsg==\r\na=control:0\r\n"

// Who says yes to everything and sends nothing has failed, and has at no time played.
func TestYesAndNothing(t *testing.T) {
	for name, hangsUp := range map[string]bool{"silent": false, "hangs up": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			addr := scriptedRTSP(t, func(method string, request []string) (string, bool) {
				header, body := "", ""
				switch method {
				case "DESCRIBE":
					header, body = "Content-Type: application/sdp\r\n", described
				case "SETUP":
					header = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"
				}
				return answerTo(request, header, body), method != "PLAY" || !hangsUp
			})
			_, r := newRelay(t, Config{})
			q := PullRequest{Stream: edge, URL: "rtsp://" + addr + "/a/b", Retry: Retry{Timeout: patience, MediaTimeout: 300 * time.Millisecond}}
			err := r.Pull(t.Context(), q)
			require.Error(t, err)
			require.Empty(t, r.Pulls())
			q.Force, q.MaxRetries = true, 1
			require.NoError(t, r.Pull(t.Context(), q))
			require.Equal(t, Failed, r.Pulls()[0].State)
			require.Equal(t, err.Error(), r.Pulls()[0].Err.Error())
			require.Eventually(t, func() bool {
				all := r.Pulls()
				require.True(t, len(all) == 0 || all[0].State == Failed || all[0].State == Connecting)
				return len(all) == 0
			}, patience, time.Millisecond)
		})
	}
}
