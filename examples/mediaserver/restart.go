package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/sluice-media/sluice/api/config"
)

// errRestart ends serve when the API has asked for that.
var errRestart = errors.New("restart over the API")

// restartDelay is what restartServer leaves the client to read the reply.
const restartDelay = time.Second

// openPorts are listeners by the key of their port, made before the server that is to serve them.
type openPorts map[string]net.Listener

func (p openPorts) close() {
	for _, ln := range p {
		ln.Close()
	}
}

// successor is what a server is to be after a restart: what was found good when that was asked for.
type successor struct {
	cfg   *config.Config
	cert  *tls.Config // nil for none
	ports openPorts
}

// close closes the ports that nobody has taken over. It may be called on nil.
func (n *successor) close() {
	if n != nil {
		n.ports.close()
	}
}

// settings is the configuration as the API sees it. It stays as it is from when a restart was asked for: the server that
// comes reports what it was made of, and no change is lost that somebody was told of.
type settings struct{ server *server }

var errRestarting = errors.New("the server is about to restart, try again afterwards")

// All implements [api.ConfigStore].
func (s settings) All() map[string]string { return s.server.store.All() }

// Update implements [api.ConfigStore].
func (s settings) Update(values map[string]string) (changed int, refused []error, err error) {
	s.server.restarting.Lock()
	defer s.server.restarting.Unlock()
	if s.server.next != nil {
		return 0, nil, errRestarting
	}
	s.server.tellUnchanged(values)
	return s.server.store.Update(values)
}

// askRestart makes the server restart in a moment, if it will be able to: with the configuration of now, and all its
// ports. They are open from now on: nobody else can take them meanwhile.
func (s *server) askRestart() error {
	s.restarting.Lock()
	defer s.restarting.Unlock()
	if s.next != nil {
		return nil // it will already
	}
	next, err := s.openNext()
	if err != nil {
		s.log.Error("no restart, the server goes on as it is", "err", err)
		return err
	}
	s.next = next
	close(s.restart)
	return nil
}

// openNext opens the ports of the configuration as it is now. Those that stay are shared with the listeners of today.
func (s *server) openNext() (*successor, error) {
	cfg := s.store.Config()
	if _, err := rtspConfig(cfg); err != nil {
		return nil, err
	}
	cert, err := loadTLS(s.flags.cert)
	if err != nil {
		return nil, err
	}
	if err := s.checkPorts(cfg, cert); err != nil {
		return nil, err
	}
	ports, err := s.openPorts(cfg, cert)
	if err != nil {
		return nil, err
	}
	return &successor{cfg, cert, ports}, nil
}

// openPorts opens all ports of a configuration or none.
func (s *server) openPorts(cfg *config.Config, cert *tls.Config) (next openPorts, err error) {
	next = openPorts{}
	for _, p := range s.ports() {
		port := cfg.Int(p.key)
		if port == 0 || p.tls && cert == nil {
			continue
		}
		addr := address(cfg, port)
		ln := s.share(p.key, addr)
		if ln == nil {
			ln, err = s.openPort(p, addr)
		}
		if err != nil {
			next.close()
			return nil, fmt.Errorf("%s: %w%s", p.key, err, hint(err, p.key))
		}
		next[p.key] = ln
	}
	return next, nil
}

// share returns a second listener of a port that is open, if it is to stay where it is; nil if that cannot be.
func (s *server) share(key, addr string) net.Listener {
	for _, l := range s.listeners {
		if l.key != key || l.addr != addr {
			continue
		}
		ln, err := shareListener(l.Listener)
		if err != nil {
			return nil
		}
		return ln
	}
	return nil
}

// shareListener returns a second listener of a port.
func shareListener(ln net.Listener) (net.Listener, error) {
	if both, ok := ln.(*rtpListener); ok {
		return both.share()
	}
	f, err := fileOf(ln)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return net.FileListener(f)
}

func fileOf(ln net.Listener) (*os.File, error) {
	l, ok := ln.(interface{ File() (*os.File, error) })
	if !ok {
		return nil, errors.ErrUnsupported
	}
	return l.File()
}

// awaitRestart returns errRestart once that was asked for and the client has had time to read so, or when ctx ends.
func (s *server) awaitRestart(ctx context.Context) error {
	select {
	case <-s.restart:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-time.After(restartDelay):
	case <-ctx.Done():
	}
	return errRestart
}

// takeNext returns what was made ready for a restart, which is the caller's then; nil if none was asked for.
func (s *server) takeNext() *successor {
	s.restarting.Lock()
	defer s.restarting.Unlock()
	next := s.next
	s.next = &successor{} // there will be no other restart
	return next
}
