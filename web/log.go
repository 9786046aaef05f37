package web

import (
	"errors"
	"log/slog"
	"strings"
	"syscall"

	"github.com/sluice-media/sluice/internal/acceptor"
	"github.com/sluice-media/sluice/media"
)

// logger returns a logger that says which session it is, and what it plays; player may be nil.
func (h *Handler) logger(entry *media.Session, player *media.Player) *slog.Logger {
	info := entry.Info()
	log := h.log.With("session", info.ID, "proto", info.Protocol, "peer", info.Remote.String())
	if player != nil {
		log = log.With("stream", player.Stream().Key().String())
	}
	return log
}

// logRefusal writes the one line that says why a client may not play. One that has given up was not refused.
func (h *Handler) logRefusal(t target, entry *media.Session, err error) {
	h.logEnd(entry, nil, &acceptor.Refusal{Cause: &acceptor.StreamError{Op: "play", Stream: t.key.String(), Err: err}})
}

// logEnd writes the one line that says why a session ended.
func (h *Handler) logEnd(entry *media.Session, player *media.Player, err error) {
	quiet := player != nil && errors.Is(err, syscall.ECONNRESET)
	ends := &h.ends
	if strings.HasPrefix(entry.Info().Protocol, "ws") {
		ends = &h.wsEnds
	}
	ends.Log(h.logger(entry, player), acceptor.End{Err: err, Kicked: entry.Err(), Quiet: quiet, Admitted: player != nil})
}
