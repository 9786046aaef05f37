package lab

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOpenRTP(t *testing.T) {
	t.Parallel()
	next, names := 30000, []string{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		names = append(names, r.FormValue("app")+"/"+r.FormValue("stream_id"))
		if next > 30004 {
			_, _ = io.WriteString(w, `{"code":-300,"msg":"no port"}`)
			return
		}
		_, _ = io.WriteString(w, `{"code":0,"port":`+strconv.Itoa(next)+`}`)
		next += 2
	}))
	defer server.Close()
	s := &Server{http: strings.TrimPrefix(server.URL, "http://")}
	ports, err := s.OpenRTP(t.Context(), 3)
	require.NoError(t, err)
	require.Equal(t, []int{30000, 30002, 30004}, ports)
	require.Equal(t, []string{"live/bench-0", "live/bench-1", "live/bench-2"}, names)
	_, err = s.OpenRTP(t.Context(), 1)
	require.ErrorContains(t, err, "no port")
}

// A clip of another rate is another file.
func TestClipsDiffer(t *testing.T) {
	t.Parallel()
	require.Contains(t, middleArgs(), "936k")
	require.Contains(t, lowArgs(), "436k")
	require.NotContains(t, middleArgs(), "2000k")
}
