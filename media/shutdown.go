package media

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"sync"
	"time"
)

// Service is what Shutdown and Close of a [Server] stop with it: a protocol server, built in or not.
type Service interface {
	// Shutdown stops listening and waits until the sessions have ended, or ctx.
	Shutdown(ctx context.Context) error
	// Close ends everything at once.
	Close() error
}

// Register makes svc end with the server. Protocol servers do it when they are built. The schemas are those
// in which it serves streams: observers are told of a stream once for each.
func (s *Server) Register(svc Service, schemas ...string) error {
	formats := make([]*Format, len(schemas))
	for i, schema := range schemas {
		formats[i] = &Format{Schema: schema}
	}
	return s.RegisterFormats(svc, formats...)
}

// RegisterFormats is Register for a service that cannot carry every codec: it serves streams in the schemas of formats,
// of which only Schema and Carries are looked at. A stream none of whose tracks the formats of a schema can carry does
// not exist in that schema: it is not listed there, and not found by its players.
func (s *Server) RegisterFormats(svc Service, formats ...*Format) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return ErrServerClosed
	}
	s.services = append(s.services, registration{svc, slices.Clone(formats)})
	return nil
}

// Unregister forgets svc, which must be comparable, and the schemas that it alone served. Protocol servers do it when
// they end.
func (s *Server) Unregister(svc Service) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if reflect.TypeOf(svc).Comparable() {
		s.services = slices.DeleteFunc(s.services, func(r registration) bool { return r.service == svc })
	}
}

// registration is a service that ends with the server.
type registration struct {
	service Service
	formats []*Format
}

// Err returns ErrServerClosed once Shutdown or Close has begun, and nil before.
func (s *Server) Err() error {
	if s.isClosing() {
		return ErrServerClosed
	}
	return nil
}

func (s *Server) isClosing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closing
}

// Shutdown ends the server in order: nothing new is admitted, streams end and their readers get what is left,
// services and taps end, observers are told what waits. When ctx ends first the rest is closed at once and
// ctx.Err() is returned. It may be called more than once.
func (s *Server) Shutdown(ctx context.Context) error {
	streams, services := s.beginClose()
	s.stopping.Do(func() { go s.drain(ctx, streams, services) })
	select {
	case <-s.stopped:
		return s.stopErr
	case <-ctx.Done():
	}
	s.closeAll(services)
	return ctx.Err()
}

// Close ends the server at once. Hooks that do not return are not waited for.
func (s *Server) Close() error {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := s.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// beginClose stops admitting, and returns what has to end.
func (s *Server) beginClose() ([]*Stream, []Service) {
	s.mu.Lock()
	s.closing = true
	streams := slices.Collect(s.streams.Values())
	var services []Service
	for _, r := range s.services {
		services = append(services, r.service)
	}
	s.mu.Unlock()
	s.cancel()
	return streams, services
}

// drain ends the streams, and waits until all has ended.
func (s *Server) drain(ctx context.Context, streams []*Stream, services []Service) {
	var wg sync.WaitGroup
	for _, st := range streams {
		wg.Go(func() { st.Kick(ErrServerClosed) })
	}
	wg.Wait()
	errs := make([]error, len(services))
	for i, svc := range services {
		wg.Go(func() { errs[i] = svc.Shutdown(ctx) })
	}
	wg.Wait()
	s.running.Wait()
	s.engine.Close()
	s.stopErr = errors.Join(errs...)
	close(s.quiet)
	s.events.running.Wait()
	s.postExited() // the last event of all
	s.events.end()
	s.asker.running.Wait()
	close(s.stopped)
}

// closeLimit bounds the wait for sessions that were closed hard: only code of the embedder can take so long.
const closeLimit = 5 * time.Second

// closeAll ends what has not ended in order, and waits for it.
func (s *Server) closeAll(services []Service) {
	limit, cancel := context.WithTimeout(context.Background(), closeLimit)
	defer cancel()
	kicked := make(chan struct{})
	s.running.Go(func() {
		defer close(kicked)
		for x := range s.Sessions() {
			x.Kick(ErrServerClosed)
		}
	})
	select {
	case <-kicked:
	case <-limit.Done():
	}
	for _, svc := range services {
		_ = svc.Close() // it has been told to shut down already and reports there
	}
	select {
	case <-s.quiet:
	case <-limit.Done():
		s.log.Warn("server closed while something of it still runs")
	}
}
