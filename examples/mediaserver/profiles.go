package main

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/pprof"
	"time"
)

// listenProfiles opens the port on which the process can be measured. It is a port of its own, for who may
// call the API: profiles are not for everyone who may watch, nor for what a browser here shows.
func (s *server) listenProfiles(addr string, open listenFunc) error {
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	ln, err := open("tcp", addr)
	if err != nil {
		return fmt.Errorf("-pprof: %w", err)
	}
	s.profiles = &http.Server{
		Handler: s.api.Protect(mux), MaxHeaderBytes: 64 << 10,
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: requestTime, IdleTimeout: replyTime,
		WriteTimeout: 10 * time.Minute, // a profile takes as long as it is asked to
		ErrorLog:     slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	s.listeners = append(s.listeners, listener{Listener: ln, scheme: "pprof", serve: s.profiles.Serve})
	return nil
}
