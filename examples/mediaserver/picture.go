package main

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/sluice-media/sluice/internal/still"
	"github.com/sluice-media/sluice/media"
)

// pictureWait is how long a request for a picture waits for the first key picture of its stream.
const pictureWait = 2 * time.Second

// picture serves the newest key picture of a stream for the list of the page, to whom may call the API: an MP4 of one picture, or a JPEG of a
// stream of these. There is no content while there is none to be shown. Other than who gets it at /app/stream.snap.mp4, who asks here is no
// viewer: no hook is asked or told, nobody is counted, and nothing is pulled or kept alive for it.
func (s *server) picture(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	q := r.URL.Query()
	kind, data, done := s.newestPicture(r.Context(), media.StreamKey{VHost: q.Get("vhost"), App: q.Get("app"), Name: q.Get("stream")})
	defer done()
	if len(data) == 0 {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	_, _ = w.Write(data) // the client may be gone
}

// newestPicture returns the newest key picture of a stream and its type; none if there is no stream, or no picture of it that browsers know.
// done is to be called when it has been sent.
func (s *server) newestPicture(ctx context.Context, key media.StreamKey) (kind string, data []byte, done func()) {
	done = func() {}
	st, ok := s.media.Stream(key)
	if !ok {
		return "", nil, done
	}
	ctx, cancel := context.WithTimeout(ctx, pictureWait)
	defer cancel()
	p, err := still.Take(ctx, st)
	switch {
	case err != nil:
		return "", nil, done
	case p.Track.Codec == media.JPEG:
		return "image/jpeg", p.Data, done
	}
	data, done, err = s.pictures.MP4(p)
	if err != nil {
		return "", nil, done
	}
	return "video/mp4", data, done
}
