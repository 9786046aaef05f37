package api_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/api"
	"github.com/sluice-media/sluice/media"
)

// A wrong secret is logged, but not as often as somebody likes; without one a call is refused in silence.
func TestWrongSecretsAreLogged(t *testing.T) {
	var log bytes.Buffer
	m, err := media.New(media.Config{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	require.NoError(t, err)
	defer m.Close()
	h, err := api.NewHandler(m, api.Options{Secret: secret, Debug: true})
	require.NoError(t, err)
	version := func(given string) *http.Request {
		r := httptest.NewRequest(http.MethodGet, "/index/api/version", http.NoBody)
		if given != "" {
			r.Header.Set("Secret", given)
		}
		return r
	}
	require.Equal(t, -100.0, call(t, h, version(""))["code"])
	require.NotContains(t, log.String(), "secret")
	require.Contains(t, log.String(), "code=-100")
	for range 10 {
		require.Equal(t, -100.0, call(t, h, version("wrong-0815"))["code"])
	}
	require.Contains(t, log.String(), `level=WARN msg="api: wrong secret" endpoint=version`)
	require.Less(t, strings.Count(log.String(), "wrong secret"), 5)
	require.Equal(t, 0.0, call(t, h, version(secret))["code"])
	require.Contains(t, log.String(), "code=0")
	require.NotContains(t, log.String(), "wrong-0815")
	require.NotContains(t, log.String(), secret)
	require.NoError(t, h.SetOptions(api.Options{Secret: secret, AllowIP: netip.Addr.IsLoopback}))
	for range 10 {
		require.Equal(t, -100.0, call(t, h, version(secret))["code"])
	}
	require.Contains(t, log.String(), `level=WARN msg="api: the address may not call" endpoint=version`)
	require.Less(t, strings.Count(log.String(), "may not call"), 5)
}
