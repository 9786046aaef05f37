package httphook_test

import (
	"bytes"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/hook/httphook"
)

// answering is a transport whose backend always says the same.
type answering []byte

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(a)), Request: r}, nil
}

// Whatever a backend answers, a publisher is admitted with options in their range, or refused, and so is who reads a file.
func FuzzReply(f *testing.F) {
	f.Add([]byte(`{"code":0,"msg":"success"}`))
	f.Add([]byte(`{"code":0,"mp4_max_second":"3","enable_hls":null,"stream_replace":{"a":[1]},"continue_push_ms":-1e9}`))
	f.Add([]byte(`{"code":-1,"msg":"\ud800"}`))
	f.Add([]byte(`{"code":0,"err":1,"path":["/"],"second":1e300}`))
	f.Add([]byte(`[[[[[[`))
	f.Fuzz(func(t *testing.T, text []byte) {
		h, err := httphook.New(httphook.Config{
			URLs: map[string]string{"on_publish": "http://h/", "on_http_access": "http://h/"}, Transport: answering(text), Retries: -1,
		})
		require.NoError(t, err)
		verdict, accessErr := h.OnHTTPAccess(t.Context(), &hook.HTTPAccessEvent{})
		reply, err := h.OnPublish(t.Context(), &hook.PublishEvent{})
		require.Equal(t, err == nil, accessErr == nil)
		require.GreaterOrEqual(t, verdict.Valid, time.Duration(0))
		if err != nil {
			require.Zero(t, verdict)
			require.Zero(t, reply)
			require.NotEmpty(t, hook.PeerText(err))
			return
		}
		for _, d := range []*time.Duration{reply.Options.ContinuePush, reply.Options.PacedSender, reply.Options.MP4MaxDuration} {
			require.True(t, d == nil || *d >= 0)
		}
	})
}
