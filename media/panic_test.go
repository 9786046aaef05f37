package media_test

import (
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/internal/testlog"
	"github.com/sluice-media/sluice/media"
)

// hostSink is a sink of the host's that counts what it gets, and panics where it is told to.
type hostSink struct {
	mu    sync.Mutex
	in    string // queue, flush, result or nothing
	got   int
	asked int
}

type hostBatch struct{ sinks []*hostSink }

func (b *hostBatch) Flush() {
	for _, s := range b.sinks {
		if s.in == "flush" {
			panic("a sink in " + s.in)
		}
		s.mu.Lock()
		s.got += s.asked
		s.mu.Unlock()
	}
	b.sinks = b.sinks[:0]
}

func (s *hostSink) Queue(batch media.SinkBatch, chunks [][]byte) media.SinkBatch {
	if s.in == "queue" {
		panic("a sink in " + s.in)
	}
	b, ok := batch.(*hostBatch)
	if !ok {
		b = &hostBatch{}
	}
	b.sinks, s.asked = append(b.sinks, s), len(chunks)
	return b
}

func (s *hostSink) Result() (chunks, bytes int, err error) {
	if s.in == "result" {
		panic("a sink in " + s.in)
	}
	return s.asked, s.asked, nil
}

func (s *hostSink) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got
}

// hostConn is a connection of the host's own.
type hostConn struct {
	net.Conn
	in string
}

func (c *hostConn) Write(b []byte) (int, error) {
	if c.in == "write" {
		panic("a connection in " + c.in)
	}
	return c.Conn.Write(b)
}

func (c *hostConn) SetWriteDeadline(t time.Time) error {
	if c.in == "deadline" {
		panic("a connection in " + c.in)
	}
	return c.Conn.SetWriteDeadline(t)
}

// hostMuxer is a muxer of the host's own.
type hostMuxer struct {
	wireMuxer
	in string
}

func (m hostMuxer) AppendHeader(dst []byte, d *media.Description) ([]byte, error) {
	if m.in == "header" {
		panic("a muxer in " + m.in)
	}
	return m.wireMuxer.AppendHeader(dst, d)
}

func (m hostMuxer) AppendChange(dst []byte, d *media.Description) ([]byte, error) {
	if m.in == "change" {
		panic("a muxer in " + m.in)
	}
	return m.wireMuxer.AppendChange(dst, d)
}

func hostFormat(in string) *media.Format {
	return &media.Format{Name: "host", New: func() media.Muxer {
		if in == "new" {
			panic("a muxer in " + in)
		}
		return hostMuxer{in: in}
	}}
}

// What the host supplies may panic: that ends the player it serves and nobody else, and the log says where.
func TestHostPanicEndsItsPlayerAlone(t *testing.T) {
	feed := func(f *media.Format, o media.FeedOptions, in string) func(*media.Player, net.Conn) error {
		return func(p *media.Player, conn net.Conn) error {
			_, err := p.Feed(&hostConn{conn, in}, f, o)
			return err
		}
	}
	sink := func(in string, o media.SinkOptions) func(*media.Player, net.Conn) error {
		return func(p *media.Player, _ net.Conn) error {
			_, err := p.FeedSink(&hostSink{in: in}, wire, o)
			return err
		}
	}
	for name, begin := range map[string]func(*media.Player, net.Conn) error{
		"sink queue":  sink("queue", media.SinkOptions{}),
		"sink flush":  sink("flush", media.SinkOptions{}),
		"sink result": sink("result", media.SinkOptions{}),
		"sink begin":  sink("", media.SinkOptions{Begin: func(*media.Chunk) { panic("at the beginning") }}),
		"sink end":    sink("queue", media.SinkOptions{OnEnd: func(error) { panic("at the end") }}),
		"feed begin":  feed(wire, media.FeedOptions{Begin: func(*media.Chunk) []byte { panic("at the beginning") }}, ""),
		"feed end":    feed(hostFormat("header"), media.FeedOptions{OnEnd: func(error) { panic("at the end") }}, ""),
		"write":       feed(wire, media.FeedOptions{}, "write"),
		"deadline":    feed(wire, media.FeedOptions{}, "deadline"),
		"muxer":       feed(hostFormat("new"), media.FeedOptions{}, ""),
		"header":      feed(hostFormat("header"), media.FeedOptions{}, ""),
		"change":      feed(hostFormat("change"), media.FeedOptions{}, ""),
	} {
		t.Run(name, func(t *testing.T) {
			var log testlog.Buffer
			s := newServer(t, media.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))})
			pub := publish(t, s, video)
			writeVideo(t, pub, 0, 1)
			others := make([]*hostSink, 3)
			for i := range others {
				p, err := s.Play(t.Context(), media.PlayRequest{Stream: key, Schema: "test"})
				require.NoError(t, err)
				others[i] = &hostSink{}
				_, err = p.FeedSink(others[i], wire, media.SinkOptions{})
				require.NoError(t, err)
			}
			victim, err := s.Play(t.Context(), media.PlayRequest{Stream: key, Schema: "victim"})
			require.NoError(t, err)
			server, client := pair(t)
			go func() { _, _ = io.Copy(io.Discard, client) }()
			if err := begin(victim, server); err != nil {
				victim.Close(err) // as whoever called does
			}
			for i := 1; log.String() == "" || !strings.Contains(log.String(), "stack=") || readers(pub, "victim") > 0; i++ {
				require.Less(t, i, 2000, "the player goes on")
				writeVideo(t, pub, i, i+1)
				time.Sleep(ms)
			}
			before := [...]int{others[0].count(), others[1].count(), others[2].count()}
			for i := range others {
				at := 10000 // a start for those that have lost something
				require.Eventually(t, func() bool {
					writeVideo(t, pub, at, at+1)
					at += 10
					return others[i].count() > before[i]
				}, 10*time.Second, ms)
			}
			require.Equal(t, 3, readers(pub, "test"))
		})
	}
}

func readers(p *media.Publisher, schema string) int {
	n, _ := p.Stream().Readers(schema)
	return n
}
