package rtsp_test

import (
	"context"
	"math"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/rtsp"
)

const allMethods = "OPTIONS, DESCRIBE, SETUP, TEARDOWN, PLAY, PAUSE, GET_PARAMETER"

// What is pulled from a recorder is paused, goes on, is sought and played at other speeds, and the stream goes on through all of it: with
// the right pictures, whole, and stamps that neither jump nor step back.
func TestControl(t *testing.T) {
	for name, restamps := range map[string]bool{"stamps of the recording": false, "stamps in real time": true} {
		t.Run(name, func(t *testing.T) {
			watch(t, &nvr{begins: "npt=0-3600", public: allMethods, restamps: restamps}, func(t *testing.T, v *nvrViewer) {
				v.plays(1)
				ctx := t.Context()
				require.NoError(t, v.control.Seek(ctx, 1800*time.Second))
				require.Equal(t, []string{"PAUSE", "PLAY Range: npt=1800.000-"}, v.nvr.said())
				v.drain()
				p := v.next()
				require.True(t, p.Key)
				require.Equal(t, 1800*time.Second, filmTime(p))
				v.plays(1)

				require.NoError(t, v.control.Pause(ctx))
				require.NoError(t, v.control.Pause(ctx), "twice")
				require.Equal(t, []string{"PAUSE"}, v.nvr.said())
				v.drain()
				at := filmTime(v.last[true])
				time.Sleep(20 * time.Minute)
				require.Empty(t, v.ended, "nothing is due")
				require.NoError(t, v.control.SetSpeed(ctx, 1))
				require.Equal(t, []string{"PLAY Scale: 1"}, v.nvr.said())
				require.Equal(t, at+nvrPicture, filmTime(v.next()), "it goes on where it was")
				v.plays(1)

				for i, speed := range []float64{2, 8, 0.5, 1} {
					require.NoError(t, v.control.SetSpeed(ctx, speed))
					seen := 500 * time.Millisecond
					if i == 0 && restamps {
						seen = 5 * time.Second // until it is, how timestamps come
					}
					for end := time.Now().Add(seen); time.Now().Before(end); {
						v.next()
					}
					v.drain()
					v.plays(speed)
				}
				v.nvr.said()
				require.NoError(t, v.control.SetSpeed(ctx, 4))
				require.NoError(t, v.control.Pause(ctx))
				v.drain()
				time.Sleep(time.Minute)
				require.NoError(t, v.control.Seek(ctx, 62500*time.Millisecond))
				require.Equal(t, []string{"PLAY Scale: 4", "PAUSE", "PLAY Range: npt=62.500- Scale: 4"}, v.nvr.said())
				require.Equal(t, 62*time.Second, filmTime(v.next()))
			})
		})
	}
}

// Who has never paused, or goes on, waits for media no longer than he said.
func TestMediaIsDue(t *testing.T) {
	for name, pauses := range map[string]bool{"never paused": false, "goes on": true} {
		t.Run(name, func(t *testing.T) {
			n := &nvr{public: allMethods}
			watch(t, n, func(t *testing.T, v *nvrViewer) {
				if pauses {
					require.NoError(t, v.control.Pause(t.Context()))
					time.Sleep(time.Minute)
					require.NoError(t, v.control.SetSpeed(t.Context(), 1))
				}
				n.mu.Lock()
				n.plays = false
				n.mu.Unlock()
				begun := time.Now()
				require.ErrorContains(t, <-v.ended, "no media for 5s")
				require.LessOrEqual(t, time.Since(begun), 11*time.Second)
				v.ended = nil
			})
		})
	}
}

// A server that refuses says why, and the pull goes on as it was.
func TestControlIsRefused(t *testing.T) {
	refuse := ""
	n := &nvr{public: allMethods}
	n.answer = func(method string, head textproto.MIMEHeader) string {
		code, what, _ := strings.Cut(refuse, " to ")
		if what == method || what == "Range" && head.Get("Range") != "" && head.Get("Range") != "npt=0.000-" || what == "Scale" && head.Get("Scale") != "" {
			return "RTSP/1.0 " + code
		}
		return ""
	}
	watch(t, n, func(t *testing.T, v *nvrViewer) {
		refused := func(err error, code int, reason string) {
			t.Helper()
			var e *rtsp.StatusError
			require.ErrorAs(t, err, &e)
			require.Equal(t, code, e.Code)
			require.Equal(t, reason, e.Reason)
			v.plays(1)
			n.said()
		}
		ctx := t.Context()
		refuse = "455 Method Not Valid in This State to PAUSE"
		refused(v.control.Pause(ctx), 455, "Method Not Valid in This State")
		require.NoError(t, v.control.Seek(ctx, time.Minute))
		require.Equal(t, []string{"PAUSE", "PLAY Range: npt=60.000-"}, n.said(), "a server that cannot pause may seek")
		for filmTime(v.next()) != time.Minute {
		}
		v.plays(1)
		refuse = "501 Not Implemented to PLAY"
		refused(v.control.SetSpeed(ctx, 2), 501, "Not Implemented")
		refuse = "457 Invalid Range to Range"
		refused(v.control.Seek(ctx, time.Hour), 457, "Invalid Range")
		require.Empty(t, v.ended)
		for _, bad := range []float64{0, -1, 33} {
			require.Error(t, v.control.SetSpeed(ctx, bad))
		}
		require.Empty(t, n.said())
	})
}

// Some servers obey Speed alone: they refuse Scale, or say that it is 1, or nothing.
func TestServersOfSpeed(t *testing.T) {
	for name, answer := range map[string]string{"refused": "RTSP/1.0 406 Not Acceptable", "one": "RTSP/1.0 200 OK\r\nScale: 1.0", "not said": "RTSP/1.0 200 OK"} {
		t.Run(name, func(t *testing.T) {
			n := &nvr{public: allMethods}
			n.mute = func(head textproto.MIMEHeader) bool { return head.Get("Scale") != "" }
			n.answer = func(method string, head textproto.MIMEHeader) string {
				if method == "PLAY" && head.Get("Scale") != "" {
					return answer
				}
				return ""
			}
			watch(t, n, func(t *testing.T, v *nvrViewer) {
				require.NoError(t, v.control.SetSpeed(t.Context(), 2))
				require.Equal(t, []string{"PLAY Scale: 2", "PLAY Speed: 2"}, n.said())
				time.Sleep(time.Second)
				v.drain()
				v.plays(2)
				require.NoError(t, v.control.Seek(t.Context(), time.Minute))
				require.Equal(t, []string{"PAUSE", "PLAY Range: npt=60.000- Speed: 2"}, n.said())
			})
		})
	}
}

// A server that plays at one speed only is said to, and the stream goes on at it.
func TestServersOfOneSpeed(t *testing.T) {
	for name, answer := range map[string]string{"Scale: 1": "RTSP/1.0 200 OK\r\nScale: 1", "not said": "RTSP/1.0 200 OK"} {
		t.Run(name, func(t *testing.T) {
			n := &nvr{public: allMethods, mute: func(textproto.MIMEHeader) bool { return true }}
			n.answer = func(method string, head textproto.MIMEHeader) string {
				if method == "PLAY" && head.Get("Scale") != "" {
					return answer
				}
				return ""
			}
			watch(t, n, func(t *testing.T, v *nvrViewer) {
				err := v.control.SetSpeed(t.Context(), 2)
				if name != "not said" {
					require.ErrorContains(t, err, "no other speed")
				}
				time.Sleep(5 * time.Second) // it is seen
				v.drain()
				v.plays(1)
			})
		})
	}
}

// A server that tells when a recording was made is asked for its times.
func TestSeekByTheClock(t *testing.T) {
	n := &nvr{begins: "clock=20261128T235900Z-20261129T015900Z", public: allMethods}
	watch(t, n, func(t *testing.T, v *nvrViewer) {
		require.NoError(t, v.control.Seek(t.Context(), 90*time.Second))
		require.NoError(t, v.control.Seek(t.Context(), 1500*time.Millisecond))
		require.Equal(t, []string{"PAUSE", "PLAY Range: clock=20261129T000030Z-", "PAUSE", "PLAY Range: clock=20261128T235901.5Z-"}, n.said())
	})
}

// While it is paused a server is told that the client lives, by what it offers and does not refuse, as often as its timeout wants: it ends the
// session otherwise. What it wants to have proved may have changed by then.
func TestPausedIsKeptAlive(t *testing.T) {
	for name, c := range map[string]struct{ public, refuses, want string }{
		"GET_PARAMETER":         {allMethods, "", "GET_PARAMETER"},
		"nothing said":          {"", "", "OPTIONS"},
		"SET_PARAMETER alone":   {"DESCRIBE, SET_PARAMETER", "", "SET_PARAMETER"},
		"GET_PARAMETER refused": {allMethods, "GET_PARAMETER", "OPTIONS"},
	} {
		t.Run(name, func(t *testing.T) {
			n, nonce := &nvr{public: c.public}, "one"
			n.answer = func(method string, head textproto.MIMEHeader) string {
				n.mu.Lock()
				defer n.mu.Unlock()
				switch {
				case method == c.refuses:
					return "RTSP/1.0 501 Not Implemented"
				case head.Get("Session") != "" && !strings.Contains(head.Get("Authorization"), nonce):
					n.heard = n.heard.Add(-nvrTimeout / 4) // which is no sign
					return "RTSP/1.0 401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"r\", nonce=\"" + nonce + "\""
				}
				return ""
			}
			watch(t, n, func(t *testing.T, v *nvrViewer) {
				require.NoError(t, v.control.Pause(t.Context()))
				n.mu.Lock()
				nonce = "another"
				n.asked = nil
				n.mu.Unlock()
				time.Sleep(10 * time.Minute)
				require.Empty(t, v.ended)
				n.mu.Lock()
				last, times := n.asked[len(n.asked)-1], len(n.asked)
				n.mu.Unlock()
				require.Equal(t, c.want, last)
				require.InDelta(t, 120, times, 5)
				require.NoError(t, v.control.SetSpeed(t.Context(), 1))
				v.drain()
				v.plays(1)
			})
		})
	}
}

// Who gives up waiting does not leave a recording halfway.
func TestControlGivesUp(t *testing.T) {
	n := &nvr{public: allMethods}
	n.answer = func(method string, _ textproto.MIMEHeader) string {
		if method == "PAUSE" {
			time.Sleep(3 * time.Second)
		}
		return ""
	}
	watch(t, n, func(t *testing.T, v *nvrViewer) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, v.control.Seek(ctx, time.Minute), context.DeadlineExceeded)
		time.Sleep(5 * time.Second)
		require.Equal(t, []string{"PAUSE", "PLAY Range: npt=60.000-"}, n.said())
		v.drain()
		v.plays(1)
	})
}

// A speed that nobody plays at is refused with those that there are.
func TestControlRefusesSpeeds(t *testing.T) {
	for _, speed := range []float64{0, -1, 1. / 33, 33, math.NaN()} {
		require.ErrorContains(t, new(rtsp.Control).SetSpeed(t.Context(), speed), "is not within 1/32 and 32")
	}
	require.ErrorIs(t, new(rtsp.Control).SetSpeed(t.Context(), 32), rtsp.ErrNotPlaying)
}
