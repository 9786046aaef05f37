package api_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/api"
	"github.com/sluice-media/sluice/media"
)

// Whatever the arguments, the reply is a JSON object with a code, and nothing fails unexpectedly.
func FuzzCall(f *testing.F) {
	m, err := media.New(media.Config{})
	require.NoError(f, err)
	defer m.Close()
	h, err := api.NewHandler(m, api.Options{NoAuth: true, Parts: allParts(&double{})})
	require.NoError(f, err)
	var paths []string
	for path := range h.Routes() {
		if !strings.HasSuffix(path, "openapi.json") {
			paths = append(paths, path)
		}
	}
	f.Add(uint8(3), "vhost=a&app=b&stream=c&schema=rtmp", "application/json", `{"a":1,"b":[1],"c":null}`)
	f.Add(uint8(30), "type=-99999999999999999999&port=+-1&speed=1e999", "application/x-www-form-urlencoded", "a=%zz&=&&b")
	f.Fuzz(func(t *testing.T, n uint8, query, kind, body string) {
		path := paths[int(n)%len(paths)]
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
		r.URL = &url.URL{Path: path, RawQuery: query}
		r.Header.Set("Content-Type", kind)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if !strings.HasPrefix(w.Header().Get("Content-Type"), "application/json") {
			return // a picture or a file of the double's
		}
		var out struct{ Code *int }
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &out), "%s", w.Body)
		require.NotNil(t, out.Code)
		require.NotContains(t, w.Body.String(), "failed unexpectedly")
	})
}
