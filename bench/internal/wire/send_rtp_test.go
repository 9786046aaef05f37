package wire

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSendRTP(t *testing.T) {
	t.Parallel()
	var asked url.Values
	answer := `{"code":0,"local_port":30000}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = r.URL.Query()
		_, _ = io.WriteString(w, answer)
	}))
	defer server.Close()
	u, err := url.Parse(server.URL + "/index/api/startSendRtp?app=live&stream=bench")
	require.NoError(t, err)
	ask := func() error {
		c, err := net.Dial("tcp", u.Host)
		require.NoError(t, err)
		defer c.Close()
		return SendRTP(c, u, "127.0.0.1", 4000)
	}
	require.NoError(t, ask())
	require.Equal(t, url.Values{
		"app": {"live"}, "stream": {"bench"}, "is_udp": {"1"}, "dst_url": {"127.0.0.1"}, "dst_port": {"4000"}, "ssrc": {"4000"},
	}, asked)
	answer = `{"code":-500,"msg":"can not find the source stream"}`
	require.ErrorContains(t, ask(), "-500 can not find the source stream")
	answer = `no JSON`
	require.Error(t, ask())
}
