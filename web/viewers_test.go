package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
)

func viewerIn(addr, query string) *viewer {
	return &viewer{cookie: newCookie(), place: place{addr: netip.MustParseAddr(addr), query: query}}
}

// One address cannot take the room of all: neither with many viewers, nor with long queries, nor with those that were refused.
func TestRoomForViewersOfOtherAddresses(t *testing.T) {
	long := strings.Repeat("x", maxQuery-10)
	for name, fill := range map[string]func(l *viewers, i int){
		"viewers": func(l *viewers, _ int) { l.add(viewerIn("192.0.2.1", ""), ask{}, nil) },
		"queries": func(l *viewers, i int) { l.add(viewerIn("192.0.2.1", fmt.Sprint(i, long)), ask{}, nil) },
		"a /64": func(l *viewers, i int) {
			l.add(viewerIn(fmt.Sprintf("2001:db8::%x", i%5000), fmt.Sprint(i, long)), ask{}, nil)
		},
		"refused": func(l *viewers, i int) { l.deny(viewerIn("192.0.2.1", fmt.Sprint(i, long)).place, errors.New("no")) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var l viewers
				for i := range maxViewers + 1 {
					fill(&l, i)
				}
				require.True(t, l.add(viewerIn("192.0.2.2", "token="+long), ask{}, nil))
				require.True(t, l.add(viewerIn("2001:db8:0:1::1", "token="+long), ask{}, nil))
				for _, v := range l.all() {
					require.True(t, l.end(v, nil))
				}
				time.Sleep(2 * viewerTime)
				l.mu.Lock()
				defer l.mu.Unlock()
				require.Zero(t, l.text)
				require.Zero(t, l.byOwner.Len())
			})
		})
	}
}

// slowWriter is a client that takes nearly as long as it may for each stretch.
type slowWriter struct {
	httptest.ResponseRecorder
	deadline time.Time
}

func (w *slowWriter) SetWriteDeadline(t time.Time) error {
	w.deadline = t
	return nil
}

func (w *slowWriter) Write(b []byte) (int, error) {
	time.Sleep(min(replyTime-time.Second, time.Until(w.deadline)))
	if !time.Now().Before(w.deadline) {
		return 0, os.ErrDeadlineExceeded
	}
	return len(b), nil
}

// A viewer that reads on and on, but far too slowly, holds a segment only so long. HEAD sends and counts nothing.
func TestSlowViewerByHLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, err := media.New(media.Config{})
		require.NoError(t, err)
		defer m.Close()
		v := &viewer{entry: m.NewSession(hook.Session{}, nil)}
		get, head := httptest.NewRequest(http.MethodGet, "/", nil), httptest.NewRequest(http.MethodHead, "/", nil)
		segment := make([]byte, 20*maxStretch)
		begun := time.Now()
		v.write(&slowWriter{}, head, 30*time.Second, segment)
		require.Zero(t, time.Since(begun))
		_, sent := v.entry.Bytes()
		require.Zero(t, sent)
		v.write(&slowWriter{}, get, 30*time.Second, segment)
		require.Equal(t, 30*time.Second, time.Since(begun))
		_, sent = v.entry.Bytes()
		require.EqualValues(t, 3*maxStretch, sent)
		v.entry.Kick(media.ErrKicked)
		v.write(&slowWriter{}, get, 30*time.Second, segment)
		require.Equal(t, 30*time.Second, time.Since(begun), "who was kicked gets nothing")
	})
}
