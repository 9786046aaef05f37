package crowd

import (
	"context"
	"encoding/binary"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestSequence(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		numbers []uint16
		missing int
	}{
		"none missing": {[]uint16{7, 8, 9}, 0},
		"missing":      {[]uint16{7, 9, 13}, 4},
		"wrap":         {[]uint16{65534, 65535, 0, 1}, 0},
		"wrap missing": {[]uint16{65534, 1}, 2},
		"out of order": {[]uint16{7, 9, 8, 10}, 0},
	} {
		var s sequence
		for _, n := range c.numbers {
			s.add([sequenceHead]byte{0x80, 96, byte(n >> 8), byte(n)})
		}
		require.Equal(t, c.missing, s.missing, name)
	}
}

// Each player has the API send to a port of its own, and packets that are left out are counted.
func TestRunCountsMissingPackets(t *testing.T) {
	noLeaks(t)
	var senders sync.WaitGroup
	t.Cleanup(senders.Wait)
	ctx := t.Context()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		to := net.JoinHostPort(r.FormValue("dst_url"), r.FormValue("dst_port"))
		senders.Go(func() { sendWithGaps(ctx, to) })
		_, _ = w.Write([]byte(`{"code":0}`))
	}))
	t.Cleanup(server.Close)
	u, err := url.Parse(server.URL + "/index/api/startSendRtp")
	require.NoError(t, err)
	res := runShortly(t, Config{Proto: protoRTP, URL: u, N: 2, Settle: 200 * time.Millisecond})
	require.Empty(t, res.Faults)
	require.Positive(t, res.Missing)
	require.InDelta(t, float64(res.Bytes)/100/9, res.Missing, 4, "one for nine of 100 bytes that come")
	_, err = Run(ctx, Config{Proto: protoRTP, URL: u, N: 1, Samples: 1, Window: 1})
	require.ErrorContains(t, err, "parsed")
}

// sendWithGaps sends RTP packets of 100 bytes, without every tenth, until ctx ends.
func sendWithGaps(ctx context.Context, to string) {
	c, err := net.Dial("udp4", to)
	if err != nil {
		return
	}
	defer c.Close()
	for n := uint16(0); ctx.Err() == nil; n++ {
		if n%10 != 5 {
			_, _ = c.Write(append(binary.BigEndian.AppendUint16([]byte{0x80, 96}, n), make([]byte, 96)...))
		}
		time.Sleep(time.Millisecond)
	}
}
