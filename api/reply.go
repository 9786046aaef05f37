package api

import (
	"encoding/json"
	"errors"
	"net/http"
)

// The codes of replies.
const (
	codeSuccess   = 0
	codeFailed    = -1
	codeAuth      = -100
	codeArguments = -300
	codeException = -400
	codeNotFound  = -500
)

// reply is the object that answers a call. "code" is added when it is missing.
type reply map[string]any

// Error is why a call failed: what a part returns to choose the code of the reply. Any other error has code -1.
type Error struct {
	// Code is that of the reply: -1 failed, -300 bad arguments, -400 unexpected, -500 not found.
	Code int
	// Msg is the reply's text.
	Msg string

	extra reply
}

// Error implements error.
func (e *Error) Error() string { return e.Msg }

// NotFound returns an *[Error] of code -500.
func NotFound(msg string) error { return &Error{Code: codeNotFound, Msg: msg} }

// BadArgument returns an *[Error] of code -300.
func BadArgument(msg string) error { return &Error{Code: codeArguments, Msg: msg} }

// errNotEnabled is what an endpoint answers whose part is missing, with the field of Options by which it comes.
func (e *endpoint) errNotEnabled() error {
	msg := "not enabled: this server has no part for it"
	if field := e.field(); field != "" {
		msg += " (api.Options." + field + ")"
	}
	return &Error{Code: codeFailed, Msg: msg}
}

// failure is the reply to a call that failed.
func failure(err error) reply {
	out := reply{"code": codeFailed, "msg": err.Error()}
	if e, ok := errors.AsType[*Error](err); ok {
		for k, v := range e.extra {
			out[k] = v
		}
		out["code"] = e.Code
		if e.Msg == "" {
			delete(out, "msg")
		}
	}
	return out
}

// write sends a reply.
func (h *Handler) write(w http.ResponseWriter, r *http.Request, out reply) {
	body, err := json.MarshalIndent(out, "", "\t")
	if err != nil {
		h.log.Error("api: reply not sent", "endpoint", r.URL.Path, "err", err)
		body = []byte(`{"code":-400,"msg":"the reply cannot be written as JSON"}`)
	}
	w.Header().Set("Content-Type", "application/json; charset="+h.options().charSet())
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(append(body, '\n')) // the client may have gone
}

// list adds a list to a reply, unless it is empty.
func list[T any](out reply, items []T) reply {
	if len(items) > 0 {
		out["data"] = items
	}
	return out
}
