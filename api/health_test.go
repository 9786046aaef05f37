package api_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/api"
)

func TestHealth(t *testing.T) {
	_, m := newAPI(t, api.Options{})
	h := api.Health(m)
	look := func() string {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/healthz", nil))
		return fmt.Sprint(w.Code, " ", w.Body)
	}
	require.Equal(t, "200 ok\n", look())
	require.NoError(t, m.Shutdown(t.Context()))
	require.Equal(t, "503 ending\n", look())
}
