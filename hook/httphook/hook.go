package httphook

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/throttle"
)

// Hook posts the events of a media server to a backend. It implements all interfaces of package hook; put it in
// media.Config.Hooks. Its methods may be called by any goroutine.
type Hook struct {
	settings atomic.Pointer[settings]
	index    atomic.Uint64     // the next hook_index
	boxes    *boxes            // nil without an outbox
	lost     throttle.Throttle // of the log line of lost observations
}

// settings is a Config with what is made of it.
type settings struct {
	Config
	client *http.Client
	own    *http.Transport // nil if it is Config.Transport that the client uses
}

// New returns a Hook. Its owner calls Close when the server that uses it has ended.
func New(cfg Config) (*Hook, error) {
	h := &Hook{}
	if err := h.SetConfig(cfg); err != nil {
		return nil, err
	}
	if cfg.Outbox == "" {
		return h, nil
	}
	var err error
	h.boxes, err = openBoxes(h)
	return h, err
}

// SetConfig makes another Config hold for the events to come; all but Outbox and OutboxLimit may change.
func (h *Hook) SetConfig(cfg Config) error {
	if err := cfg.check(); err != nil {
		return err
	}
	cfg.URLs = maps.Clone(cfg.URLs)
	s := &settings{Config: cfg.withDefaults()}
	old := h.settings.Load()
	switch {
	case cfg.Transport != nil:
		s.client = newClientOf(cfg.Transport)
	case old != nil && old.own != nil && old.InsecureTLS == cfg.InsecureTLS:
		s.own, s.client = old.own, old.client
	default:
		s.own = newTransport(cfg.InsecureTLS)
		s.client = newClientOf(s.own)
	}
	h.settings.Store(s)
	if old != nil && old.own != nil && old.own != s.own {
		old.own.CloseIdleConnections()
	}
	return nil
}

// Shutdown closes the Hook once the outbox is empty, the backend fails or ctx ends. What has not been sent stays there
// for the next Hook. Without an outbox it is Close.
func (h *Hook) Shutdown(ctx context.Context) error {
	if h.boxes != nil {
		h.boxes.drain(ctx)
	}
	return h.Close()
}

// Close ends what sends from the outbox, and waits for it. What has not been sent stays there.
func (h *Hook) Close() error {
	var err error
	if h.boxes != nil {
		err = h.boxes.close()
	}
	if s := h.settings.Load(); s.own != nil {
		s.own.CloseIdleConnections()
	}
	return err
}

// decide posts an event and returns the reply that admits. The body is made only if somebody is to get it.
func (h *Hook) decide(ctx context.Context, s *settings, event, vhost string, body func() any) (reply, error) {
	if s.URLs[event] == "" {
		return nil, hook.ErrNotHandled
	}
	b, err := s.encode(body())
	if err != nil {
		return nil, err
	}
	return h.call(ctx, s, message{event: event, vhost: vhost, body: b})
}

// observe posts an event, or puts it in the outbox.
func (h *Hook) observe(ctx context.Context, s *settings, event, vhost string, body any) {
	if h.boxes == nil || s.URLs[event] == "" {
		h.tell(ctx, s, event, vhost, body)
		return
	}
	b, err := s.encode(body)
	if err == nil {
		err = h.boxes.put(message{event: event, vhost: vhost, body: b})
	}
	if err != nil {
		s.Logger.Error("hook: the outbox failed, the event is sent once", "event", event, "err", err)
		h.tell(ctx, s, event, vhost, body)
	}
}

// tell posts an event and logs what goes wrong.
func (h *Hook) tell(ctx context.Context, s *settings, event, vhost string, body any) {
	_, err := h.decide(ctx, s, event, vhost, func() any { return body })
	if err != nil && !errors.Is(err, hook.ErrNotHandled) {
		h.logLost(s, event, err)
	}
}

// logLost says that observations did not arrive. While a backend is away, each session that ends has some.
func (h *Hook) logLost(s *settings, event string, err error) {
	if n, ok := h.lost.Ready(); ok {
		s.Logger.Warn("hook: observations lost", "number", n, "last", event, "err", err)
	}
}

// encode returns a body, up to the hook_index that each attempt has of its own.
func (s *settings) encode(body any) ([]byte, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	id, err := json.Marshal(s.ServerID)
	if err != nil {
		return nil, err
	}
	b = b[:len(b)-1]
	if len(b) > 1 {
		b = append(b, ',')
	}
	return append(append(b, `"mediaServerId":`...), id...), nil
}

// call posts a message until there is a reply that counts, or the attempts are used up.
func (h *Hook) call(ctx context.Context, s *settings, m message) (reply, error) {
	for retry := 0; ; retry++ {
		r, err := h.attempt(ctx, s, m)
		if _, failed := errors.AsType[*Error](err); !failed || retry == s.Retries {
			return r, err
		}
		s.Logger.Debug("hook failed, it will be repeated", "event", m.event, "after", s.RetryDelay, "err", err)
		select {
		case <-time.After(s.RetryDelay):
		case <-ctx.Done():
			return nil, err
		}
	}
}

// dial connects to a backend. Of a reply that never ends, the system takes no more than would be read.
func dial(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, network, addr)
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetReadBuffer(maxReply)
	}
	return conn, err
}

// newTransport returns a transport like that of ZLMediaKit, but for reusing connections and verifying certificates.
func newTransport(insecure bool) *http.Transport {
	t := &http.Transport{
		DialContext:         dial,
		TLSHandshakeTimeout: 10 * time.Second,
		MaxIdleConnsPerHost: 16,
		// Shorter than servers keep them, so that few are found closed.
		IdleConnTimeout:        4 * time.Second,
		DisableCompression:     true,
		MaxResponseHeaderBytes: maxReply,
		TLSClientConfig:        tlsConfig(insecure),
	}
	return t
}
