package httphook_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/hook/httphook"
	"github.com/sluice-media/sluice/media"
)

// outages are what a backend can do instead of answering.
func outages() map[string]http.HandlerFunc {
	spaces := bytes.Repeat([]byte(" "), 1<<16)
	return map[string]http.HandlerFunc{
		"down":  nil,
		"reset": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"hang": func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // only then the request's context ends when the asker leaves
			select {
			case <-r.Context().Done():
			case <-time.After(30 * time.Second):
			}
		},
		"500":  func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"HTML": says("<html>maintenance</html>"),
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://192.0.2.1/", http.StatusTemporaryRedirect)
		},
		"1 GiB": func(w http.ResponseWriter, _ *http.Request) {
			for range 1 << 14 {
				if _, err := w.Write(spaces); err != nil {
					return
				}
			}
		},
	}
}

// hundred is a server with a hundred streams, each with a reader that notes how late its pictures are.
type hundred struct {
	media *media.Server
	stop  context.CancelFunc
	tasks sync.WaitGroup

	mu   sync.Mutex
	late []time.Duration
}

const pictureTime = 40 * time.Millisecond

func newHundred(tb testing.TB, h hook.Hook, timeout time.Duration) *hundred {
	tb.Helper()
	m, err := media.New(media.Config{Hooks: []hook.Hook{h}, HookTimeout: timeout})
	require.NoError(tb, err)
	require.NoError(tb, m.Register(service{}, "rtmp", "rtsp"))
	ctx, stop := context.WithCancel(context.Background())
	s := &hundred{media: m, stop: stop}
	track := &media.Track{ID: 1, Codec: media.H264, Width: 2, Height: 2, Config: []byte("c")}
	for i := range 100 {
		p, err := m.Publish(ctx, media.PublishRequest{Stream: media.StreamKey{App: "live", Name: fmt.Sprint(i)}, Schema: "rtmp", Authorized: true})
		require.NoError(tb, err)
		require.NoError(tb, p.SetTracks(track))
		// When each picture is due, in the order of the pictures.
		due := make(chan time.Time, 1000)
		r := p.Stream().Read()
		s.tasks.Go(func() { s.write(ctx, p, track, due) })
		s.tasks.Go(func() { s.read(ctx, r, due) })
	}
	return s
}

func (s *hundred) write(ctx context.Context, p *media.Publisher, track *media.Track, due chan<- time.Time) {
	defer p.Close(nil)
	ticker := time.NewTicker(pictureTime)
	defer ticker.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			due <- now
			at := time.Duration(n) * pictureTime
			if p.WritePacket(&media.Packet{Track: track, DTS: at, PTS: at, Key: n%50 == 0, Data: []byte("picture")}) != nil {
				return
			}
		}
	}
}

func (s *hundred) read(ctx context.Context, r *media.Reader[*media.Packet], due <-chan time.Time) {
	defer r.Close()
	batch := make([]*media.Packet, 16)
	for {
		n, err := r.ReadBatch(ctx, batch)
		if err != nil {
			return
		}
		s.mu.Lock()
		for range n {
			s.late = append(s.late, time.Since(<-due))
		}
		s.mu.Unlock()
	}
}

// pictures returns how many have been read since the last call, and how late the latest 1 % were.
func (s *hundred) pictures() (n int, p99 time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n = len(s.late)
	if n > 0 {
		slices.Sort(s.late)
		p99 = s.late[n*99/100]
	}
	s.late = nil
	return n, p99
}

func (s *hundred) close(tb testing.TB) {
	tb.Helper()
	s.stop()
	s.tasks.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	err := s.media.Shutdown(ctx)
	require.True(tb, err == nil || errors.Is(err, context.DeadlineExceeded), "%v", err)
}

// startBackend serves what an outage does, or nothing at all, and returns its URL.
func startBackend(tb testing.TB, answer http.HandlerFunc) (url string, stop func()) {
	tb.Helper()
	if answer != nil {
		s := httptest.NewUnstartedServer(answer)
		// It stands for one on another machine: how much the system lets it send ahead here is no load of ours.
		s.Config.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
			if tcp, ok := c.(*net.TCPConn); ok {
				_ = tcp.SetWriteBuffer(64 << 10)
			}
			return ctx
		}
		s.Start()
		return s.URL, s.Close
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(tb, err)
	require.NoError(tb, ln.Close())
	return "http://" + ln.Addr().String(), func() {}
}

// ask has publishers and players come while the backend is out, and returns what each was told and how long it took.
func (s *hundred) ask(tb testing.TB, n int) (longest time.Duration, err error) {
	tb.Helper()
	var mu sync.Mutex
	var asking sync.WaitGroup
	for i := range n {
		asking.Go(func() {
			begun := time.Now()
			_, e := s.media.Publish(context.Background(), media.PublishRequest{Stream: media.StreamKey{App: "live", Name: fmt.Sprint("new", i)}, Schema: "rtmp"})
			_, f := s.media.Play(context.Background(), media.PlayRequest{Stream: media.StreamKey{App: "live", Name: "1"}, Schema: "rtmp"})
			mu.Lock()
			defer mu.Unlock()
			longest = max(longest, time.Since(begun))
			if e == nil || f == nil {
				err = errors.New("somebody was admitted")
			}
		})
	}
	asking.Wait()
	return longest, err
}

// While a backend is out, who asks it is refused at the deadline, everything else goes on, and nothing is left behind.
func TestOutage(t *testing.T) {
	for name, answer := range outages() {
		t.Run(name, func(t *testing.T) {
			before := goleak.IgnoreCurrent()
			url, stop := startBackend(t, answer)
			h, err := httphook.New(httphook.Config{URLs: allURLs(url), Timeout: 500 * time.Millisecond, RetryDelay: 100 * time.Millisecond})
			require.NoError(t, err)
			s := newHundred(t, h, 5*time.Second)
			longest, err := s.ask(t, 20)
			require.NoError(t, err)
			// Twice two attempts and a pause; the rest is for a busy machine.
			require.Less(t, longest, 2200*time.Millisecond+5*time.Second)
			s.pictures()
			time.Sleep(time.Second)
			n, _ := s.pictures()
			require.Greater(t, n, 100, "the streams stand still")
			s.close(t)
			require.NoError(t, h.Close())
			stop()
			goleak.VerifyNone(t, before)
		})
	}
}

// How late pictures are while a backend is out and forty sessions ask it over and over, next to without.
func BenchmarkOutage(b *testing.B) {
	modes := outages()
	modes["none"] = says(`{"code":1}`)
	for name, answer := range modes {
		b.Run(name, func(b *testing.B) {
			url, stop := startBackend(b, answer)
			defer stop()
			h, err := httphook.New(httphook.Config{URLs: allURLs(url), Timeout: 500 * time.Millisecond, RetryDelay: 100 * time.Millisecond})
			require.NoError(b, err)
			defer h.Close()
			s := newHundred(b, h, 5*time.Second)
			defer s.close(b)
			time.Sleep(2 * time.Second)
			s.pictures()
			for b.Loop() {
				_, _ = s.ask(b, 20)
				time.Sleep(100 * time.Millisecond)
			}
			n, p99 := s.pictures()
			b.ReportMetric(float64(p99.Microseconds())/1000, "ms-late-p99")
			b.ReportMetric(float64(n), "pictures")
		})
	}
}
