package web

import (
	"context"
	"errors"
	"io"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/acceptor"
	"github.com/sluice-media/sluice/media"
)

// fileDenied is what a file is refused with.
type fileDenied string

// Error implements error.
func (d fileDenied) Error() string { return string(d) }

// errAddress refuses who calls from where nobody may. The words are ZLMediaKit's.
const errAddress = fileDenied("Your ip is not allowed to access the service.")

// access asks whether a file may be had: first the verdict that there was before, then the hooks, and where none decides the
// address of the client. It sets the cookie by which a verdict is known.
func (q *request) access(ctx context.Context, head http.Header) error {
	p, known := q.files.permits.find(q, time.Now())
	if p != nil {
		if !known {
			p.setCookie(head)
		}
		return p.err()
	}
	reply, err := q.files.media.HTTPAccess(ctx, q.event())
	switch {
	case errors.Is(err, hook.ErrNotHandled):
		if q.cfg.AllowIP != nil && !q.cfg.AllowIP(q.entry.Info().Remote.Addr()) {
			return errAddress
		}
		return nil
	case err != nil:
		return err
	}
	if p := q.verdict(reply); p != nil && q.files.permits.add(p, time.Now()) {
		p.setCookie(head)
	}
	if reply.Err != "" {
		return fileDenied(reply.Err)
	}
	return nil
}

// event is what the hooks are asked.
func (q *request) event() *hook.HTTPAccessEvent {
	header := q.Header.Clone()
	header.Set("Host", q.Host) // which net/http takes out
	return &hook.HTTPAccessEvent{
		Session: q.entry.Info(), Path: q.at.path, FilePath: q.at.file(), IsDir: q.at.isDir, Header: header,
	}
}

// verdict is what there is to remember of a reply; nil for nothing.
func (q *request) verdict(reply hook.HTTPAccessReply) *permit {
	if reply.Valid <= 0 {
		return nil
	}
	scope := reply.Path
	switch {
	case scope != "":
		scope = path.Clean("/" + scope)
	case q.at.isDir:
		scope = path.Clean(q.at.path)
	default:
		scope = path.Dir(q.at.path)
	}
	if !strings.HasSuffix(scope, "/") {
		scope += "/"
	}
	return &permit{cookie: newCookie(), from: q.from(), scope: scope, denied: reply.Err, until: time.Now().Add(reply.Valid)}
}

// refuse tells a client that it may not have a file. What it is told is the contract's: also where a hook has failed, it has
// status 401.
func (q *request) refuse(w http.ResponseWriter, err error) {
	q.files.ends.Log(q.logger(), acceptor.End{
		Err: &acceptor.Refusal{Cause: &acceptor.StreamError{Op: "read file", Stream: q.at.path, Err: err}}, Kicked: q.entry.Err(),
	})
	status, text := http.StatusUnauthorized, ""
	var denied fileDenied
	switch {
	case errors.Is(err, media.ErrServerClosed):
		status, text = http.StatusServiceUnavailable, "the server ends"
	case errors.As(err, &denied):
		text = string(denied)
	default:
		text = hook.PeerText(err)
	}
	w.Header().Set("Content-Type", "text/html; charset="+q.cfg.CharSet)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, escapeText(text)) // the client may have left
}

// escapeText makes a text one of HTML. Quotes are as good as any other sign outside of tags.
func escapeText(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}
