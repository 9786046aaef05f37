package interop

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// rtspDialog speaks RTSP by a curl that passes on what is typed: of RTSP itself the program curl has OPTIONS alone.
type rtspDialog struct {
	t       *testing.T
	in      io.Writer
	out     *textproto.Reader
	raw     *bufio.Reader
	url     string
	number  int
	session string
}

// reply is what is answered to a request.
type reply struct {
	status string // the number
	head   textproto.MIMEHeader
	body   string
}

// speakRTSP starts a dialog that ends with the test.
func speakRTSP(ctx context.Context, t *testing.T, s *server) *rtspDialog {
	t.Helper()
	cmd := exec.CommandContext(ctx, "curl", "-sSN", "telnet://"+s.rtsp)
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()         // killed
	})
	raw := bufio.NewReader(out)
	return &rtspDialog{t: t, in: in, out: textproto.NewReader(raw), raw: raw, url: s.rtspURL()}
}

// ask sends a request, with its fields, and returns the answer.
func (d *rtspDialog) ask(method, below string, fields ...string) reply {
	d.t.Helper()
	d.number++
	fields = append(fields, "CSeq: "+strconv.Itoa(d.number))
	if d.session != "" {
		fields = append(fields, "Session: "+d.session)
	}
	_, err := fmt.Fprintf(d.in, "%s %s%s RTSP/1.0\r\n%s\r\n\r\n", method, d.url, below, strings.Join(fields, "\r\n"))
	require.NoError(d.t, err)
	line, err := d.out.ReadLine()
	require.NoError(d.t, err)
	require.True(d.t, strings.HasPrefix(line, "RTSP/1.0 "), line)
	head, err := d.out.ReadMIMEHeader()
	require.NoError(d.t, err)
	require.Equal(d.t, strconv.Itoa(d.number), head.Get("Cseq"))
	n, _ := strconv.Atoi(head.Get("Content-Length"))
	body := make([]byte, n)
	_, err = io.ReadFull(d.raw, body)
	require.NoError(d.t, err)
	if d.session == "" {
		d.session, _, _ = strings.Cut(head.Get("Session"), ";")
	}
	return reply{strings.Fields(line)[1], head, string(body)}
}

// twoPorts opens an even UDP port and the next one, as RTP and RTCP have them, until the test ends.
func twoPorts(t *testing.T) (rtp, rtcp net.PacketConn) {
	t.Helper()
	for range 1000 {
		first, err := net.ListenPacket("udp", "127.0.0.1:0")
		require.NoError(t, err)
		if port := portOf(first); port%2 == 0 {
			if second, err := net.ListenPacket("udp", fmt.Sprintf("127.0.0.1:%d", port+1)); err == nil {
				t.Cleanup(func() { first.Close(); second.Close() })
				return first, second
			}
		}
		require.NoError(t, first.Close())
	}
	t.Fatal("no two ports are free")
	return nil, nil
}

func portOf(conn net.PacketConn) int {
	addr, _ := conn.LocalAddr().(*net.UDPAddr)
	return addr.Port
}
