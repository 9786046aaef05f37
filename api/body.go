package api

import (
	"errors"
	"io"
	"net/http"
	"time"
)

const (
	// bodyTime is how long a client may take to send its body.
	bodyTime = 10 * time.Second
	// strangerBody bounds the body of a client of which nothing else says that it may call: what does so may be in there.
	strangerBody = 64 << 10
)

// readBody reads at most as much as the options allow, for a limited time where the server can do that. The arguments of c
// are those that came before the body.
func (h *Handler) readBody(c *call) ([]byte, error) {
	r := c.request
	if r.Body == nil || r.Body == http.NoBody {
		return nil, nil
	}
	limit := h.options().maxBody()
	if !h.options().allows(r) || !h.knows(c) {
		limit = min(limit, strangerBody)
	}
	rc := http.NewResponseController(c.writer)
	limited := rc.SetReadDeadline(time.Now().Add(bodyTime)) == nil
	body, err := io.ReadAll(http.MaxBytesReader(c.writer, r.Body, limit))
	if err == nil && limited { // after an error the server would wait for the rest
		err = rc.SetReadDeadline(time.Time{})
	}
	return body, err
}

// refuseBody answers a call whose body could not be read.
func refuseBody(w http.ResponseWriter, err error) {
	status := http.StatusBadRequest
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		status = http.StatusRequestEntityTooLarge
	}
	w.Header().Set("Connection", "close")
	http.Error(w, http.StatusText(status), status)
}
