package gb28181

import (
	"context"
	"io"
	"net/netip"
	"sync"

	"github.com/sluice-media/sluice/internal/rtp/datagram"
	"github.com/sluice-media/sluice/media"
)

// talkLink sends back to where a stream comes from, by the same socket or connection.
type talkLink struct {
	to   origin
	over <-chan struct{} // closed when that stream has ended
}

// talkTo finds who sends a stream.
func (s *Server) talkTo(key media.StreamKey) (*talkLink, error) {
	key = key.Canonical()
	for _, x := range s.sources() {
		if to, ok := x.sender(); ok && x.key == key {
			return &talkLink{to, x.gone}, nil
		}
	}
	return nil, ErrNoTarget
}

// sources are all there are: of ports, and of senders that receive.
func (s *Server) sources() (list []*source) {
	for _, r := range s.all() {
		list = append(list, r.sources()...)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for senders := range s.senders.Values() {
		for _, x := range senders {
			if x.source != nil {
				list = append(list, x.source)
			}
		}
	}
	return list
}

func (l *talkLink) port() int { return int(l.to.local.Port()) }

func (l *talkLink) addresses() (remote, local netip.AddrPort) { return l.to.remote, l.to.local }

func (l *talkLink) close() {}

func (l *talkLink) send(ctx context.Context, x *sender) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var watching sync.WaitGroup
	defer watching.Wait()
	defer cancel(nil)
	watching.Go(func() {
		select {
		case <-l.over:
			cancel(io.EOF)
		case <-ctx.Done():
		}
	})
	r := x.player.ReadFormat(x.format)
	defer r.Close()
	err := readChunks(ctx, x, r, l.sending(x.label))
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// sending returns what sends chunks.
func (l *talkLink) sending(of label) func(chunks [][]byte) error {
	if l.to.conn != nil {
		return l.to.conn.framed(of)
	}
	return (&udpSink{to: datagram.NewDestination(l.to.socket, l.to.remote), label: of}).sendNow
}

// framed writes chunks to the connection, which others may talk on, too: each write goes as a whole.
func (c *connection) framed(l label) func(chunks [][]byte) error {
	write := framed(l, c.conn)
	return func(chunks [][]byte) error {
		err := write(chunks)
		if err != nil {
			c.conn.Close() // half of a packet may have gone
		}
		return err
	}
}
