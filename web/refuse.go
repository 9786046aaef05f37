package web

import (
	"cmp"
	"errors"
	"html"
	"io"
	"net/http"
	"strconv"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
)

// refusal is the HTTP status of an error of Play, and what the client is told.
func refusal(err error) (status int, text string) {
	switch {
	case errors.Is(err, media.ErrStreamNotFound), errors.Is(err, media.ErrBadName):
		return http.StatusNotFound, "no such stream"
	case errors.Is(err, media.ErrServerClosed):
		return http.StatusServiceUnavailable, "the server ends"
	case errors.Is(err, media.ErrKicked):
		return http.StatusUnauthorized, "ended by the server"
	case errors.Is(err, errTooMany):
		return http.StatusServiceUnavailable, "too many viewers"
	}
	if _, denied := hook.Denied(err); !denied {
		return http.StatusServiceUnavailable, hook.PeerText(err) // nobody has decided
	}
	return http.StatusUnauthorized, hook.PeerText(err)
}

// refuse answers a request that is not to play.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, t target, entry *media.Session, err error) {
	h.logRefusal(t, entry, err)
	bound(w, r)
	h.setCORS(w.Header(), r)
	status, body := h.config().setRefusal(w.Header(), r.URL.Path, err)
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body) // the client may have left
}

// setRefusal sets the headers of a refusal, and returns the rest of it.
func (c *Config) setRefusal(head http.Header, path string, err error) (status int, body string) {
	status, body = refusal(err)
	if status == http.StatusNotFound {
		head.Set("Content-Type", htmlType)
		return status, c.notFoundPage(path)
	}
	head.Set("Content-Type", "text/plain; charset=utf-8")
	head.Set("X-Content-Type-Options", "nosniff")
	return status, body
}

// appendRefusal appends a refusal on a connection that has been taken over. The connection is to be closed behind it.
func (c *Config) appendRefusal(b []byte, head http.Header, path string, err error) []byte {
	status, body := c.setRefusal(head, path, err)
	head.Set("Content-Length", strconv.Itoa(len(body)))
	return append(appendHead(b, status, "close", head), body...)
}

const htmlType = "text/html; charset=utf-8"

// notFound is a page that says so.
func (c *Config) notFound(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", htmlType)
	w.WriteHeader(http.StatusNotFound)
	_, _ = io.WriteString(w, c.notFoundPage(r.URL.Path))
}

func (c *Config) notFoundPage(path string) string { return cmp.Or(c.NotFoundPage, notFoundPage(path)) }

func notFoundPage(path string) string {
	return "<!doctype html><title>404</title><h1>Not found</h1><p>" + html.EscapeString(path) + "\n"
}
