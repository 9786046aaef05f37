package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gobwas/ws"

	"github.com/sluice-media/sluice/internal/acceptor"
	"github.com/sluice-media/sluice/media"
)

const (
	// maxClientFrame bounds a frame of a client, which has nothing to say.
	maxClientFrame = 64 << 10
	// closeWait is how long a client has to answer a close frame.
	closeWait = time.Second
)

func isUpgrade(r *http.Request) bool {
	return strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}

// serveWebSocket upgrades at once, as the contract has it, and plays on goroutines of the session's own.
func (h *Handler) serveWebSocket(w http.ResponseWriter, r *http.Request, t target) {
	if r.ProtoMajor != 1 {
		http.Error(w, "WebSocket needs HTTP/1.1", http.StatusNotImplemented)
		return
	}
	switch {
	case h.config().foreign(r):
		err := fmt.Errorf("pages of %.200q may not play", r.Header.Get("Origin"))
		h.wsEnds.Log(h.log.With("proto", "ws", "peer", r.RemoteAddr), acceptor.End{Err: &acceptor.Refusal{Cause: err}})
		http.Error(w, "pages of this origin may not play", http.StatusForbidden)
		return
	case h.isClosing():
		http.Error(w, "the server ends", http.StatusServiceUnavailable)
		return
	}
	unbound(w)
	var stop stopper
	entry := h.newSession(r, t, "ws", stop.kick)
	up := ws.HTTPUpgrader{Timeout: writeTimeout, Protocol: func(string) bool { return true }}
	conn, buf, _, err := up.Upgrade(r, w)
	if conn == nil { // the upgrader has answered
		entry.Close()
		return
	}
	conn = h.idle.Conn(conn)
	stop.use(func() { conn.Close() })
	x := &session{handler: h, conn: conn, ahead: peekAll(buf), entry: entry}
	if err == nil && !h.enter(x) {
		err = media.ErrServerClosed
		_ = x.write(appendClose(nil, http.StatusServiceUnavailable, "the server ends")) // the client may have left
	}
	if err != nil {
		h.log.Debug("no upgrade", "peer", r.RemoteAddr, "err", err)
		conn.Close()
		entry.Close()
		return
	}
	s := &socket{session: x, played: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.WithoutCancel(r.Context())) // the session outlives the request
	s.cancel = cancel
	stopped := context.AfterFunc(h.life, cancel) //nolint:contextcheck // the handler ends both
	go func() {
		defer close(s.played)
		err := acceptor.Guard(func() error { return s.play(ctx, t) })
		stopped()
		s.giveUp() // what the context holds can go
		if err != nil {
			s.logPanic(err)
			x.conn.Close()
		}
	}()
	s.rest()
}

// socket is a session that speaks WebSocket. At most one goroutine reads; another asks for the stream and ends when it is
// fed.
type socket struct {
	*session
	played chan struct{} // closed when nobody asks for the stream any more

	mu     sync.Mutex
	cancel context.CancelFunc // of whoever asks for the stream; nil afterwards
	early  []byte             // replies from before there was a feed
	fed    bool
}

// logPanic says why the stream did not come, if that is a fault of ours. Of what else there is, the reader hears too.
func (s *socket) logPanic(err error) {
	if _, panicked := errors.AsType[*acceptor.PanicError](err); panicked {
		s.logEnd(err)
	}
}

// giveUp ends the wait for the stream.
func (s *socket) giveUp() {
	s.mu.Lock()
	cancel := s.cancel
	s.cancel = nil
	s.mu.Unlock()
	if cancel != nil {
		cancel()
	}
}

// play asks for the stream and begins to feed it.
func (s *socket) play(ctx context.Context, t target) error {
	player, err := s.handler.play(ctx, s.entry, t, patiently)
	if err != nil {
		s.handler.logRefusal(t, s.entry, err)
		s.told = true
		return s.deny(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.player = player
	s.handler.media.Settle(s.conn.LocalAddr(), s.conn.RemoteAddr()) // before the client hears that it plays
	s.feed, err = player.Feed(s.conn, t.form.frames, media.FeedOptions{Prelude: s.early, OnEnd: s.finish})
	s.early, s.fed = nil, true
	if err != nil {
		return s.deny(err)
	}
	return nil
}

// deny tells the client why it may not play.
func (s *socket) deny(err error) error {
	status, text := refusal(err)
	return s.closeFrame(status, text)
}

// closeFrame says why the session ends. The client then closes the connection, or runs out of time.
func (s *socket) closeFrame(code int, text string) error {
	if err := s.write(appendClose(nil, code, text)); err != nil {
		return err
	}
	return s.conn.SetReadDeadline(time.Now().Add(closeWait))
}

// finish is called when the player has got all there is, or cannot be written to.
func (s *socket) finish(err error) {
	if !errors.Is(err, io.EOF) || s.closeFrame(int(ws.StatusNormalClosure), "the stream has ended") != nil {
		s.conn.Close() // ends watch
	}
}

// reply sends a control frame.
func (s *socket) reply(b []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.fed && s.feed != nil:
		s.feed.Insert(b)
	case len(s.early) < maxClientFrame:
		s.early = append(s.early, b...)
	}
}

// rest waits until the client sends something.
func (s *socket) rest() {
	if len(s.ahead) > 0 {
		go s.Wake()
		return
	}
	s.handler.idle.Await(s.conn, s)
}

// Wake implements [idle.Sleeper]: it reads the frames that have come. The session ends if there is none.
func (s *socket) Wake() {
	err := acceptor.Guard(s.readFrames)
	if err == nil {
		s.rest()
		return
	}
	s.giveUp()
	<-s.played
	if s.feed != nil {
		_ = s.feed.Finish(closeWait) // the answer to a close frame goes out behind a whole one
	}
	s.end(err)
}

// readFrames reads frames until nothing is left of what was read ahead.
func (s *socket) readFrames() error {
	for {
		if err := s.readFrame(); err != nil || len(s.ahead) == 0 {
			return err
		}
	}
}

// readFrame reads a frame and obeys it.
func (s *socket) readFrame() error {
	head, err := ws.ReadHeaderBuffer(s, make([]byte, ws.MaxHeaderSize))
	if err != nil {
		return err
	}
	if code := check(head); code != 0 {
		s.reply(appendClose(nil, int(code), ""))
		return fmt.Errorf("web: frame refused: %d", code)
	}
	return s.obey(head)
}

// check returns the code that a frame is refused with, or 0.
func check(h ws.Header) ws.StatusCode {
	switch {
	case !h.Masked, h.Rsv != 0, h.OpCode.IsReserved():
		return ws.StatusProtocolError
	case h.OpCode.IsControl() && (h.Length > ws.MaxControlFramePayloadSize || !h.Fin):
		return ws.StatusProtocolError
	case h.Length > maxClientFrame:
		return ws.StatusMessageTooBig
	}
	return 0
}

// obey answers a ping and a close; what else there may be is passed over.
func (s *socket) obey(h ws.Header) error {
	if !h.OpCode.IsControl() {
		_, err := io.CopyN(io.Discard, s, h.Length)
		return err
	}
	payload := make([]byte, h.Length)
	if _, err := io.ReadFull(s, payload); err != nil {
		return err
	}
	ws.Cipher(payload, h.Mask, 0)
	switch h.OpCode {
	case ws.OpPing:
		s.reply(appendFrame(nil, ws.OpPong, payload))
	case ws.OpClose:
		s.reply(appendFrame(nil, ws.OpClose, payload))
		return io.EOF
	}
	return nil
}
