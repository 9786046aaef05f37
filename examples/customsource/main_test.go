package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"testing"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/sluice-media/sluice/internal/flv"
	"github.com/sluice-media/sluice/media"
)

func listen(t *testing.T) net.Listener {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return ln
}

// recorder keeps what an FLV reply brings.
type recorder struct {
	tracks  []*media.Track
	packets []*media.Packet
}

func (r *recorder) SetTracks(tracks ...*media.Track) error {
	r.tracks = tracks
	return nil
}

func (r *recorder) SetMetadata(map[string]any) {}

func (r *recorder) WritePacket(p *media.Packet) error {
	r.packets = append(r.packets, p)
	return nil
}

func TestRun(t *testing.T) {
	defer goleak.VerifyNone(t)
	rtmpPort, httpPort := listen(t), listen(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- run(ctx, rtmpPort, httpPort) }()

	res, err := http.Get("http://" + httpPort.Addr().String() + "/live/stripe.live.flv")
	require.NoError(t, err)
	var got recorder
	tags, demux := flv.NewReader(res.Body), flv.NewDemuxer(&got)
	for len(got.packets) < 3 {
		typ, stamp, body, err := tags.Next()
		require.NoError(t, err)
		require.NoError(t, demux.Tag(typ, stamp, body))
	}
	require.NoError(t, res.Body.Close())
	require.Equal(t, media.H264, got.tracks[0].Codec)
	require.Equal(t, newTrack(columns, rows).Config, got.tracks[0].Config)
	for i, p := range got.packets {
		require.True(t, p.Key)
		require.Equal(t, period, got.packets[min(i+1, 2)].DTS-got.packets[min(i+1, 2)-1].DTS)
	}

	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
	http.DefaultClient.CloseIdleConnections()
}

func TestParametersAreRead(t *testing.T) {
	var sps h264.SPS
	require.NoError(t, sps.Unmarshal(sequenceParameters(columns, rows)))
	require.Equal(t, columns*16, sps.Width())
	require.Equal(t, rows*16, sps.Height())
}

func TestNoStartCodeInside(t *testing.T) {
	nal := nalUnit(0x65, []byte{0, 0, 0, 0, 0, 1, 0, 0, 3, 0, 0, 4})
	require.Equal(t, []byte{0x65, 0, 0, 3, 0, 0, 3, 0, 1, 0, 0, 3, 3, 0, 0, 4}, nal)
}

// TestPicturesAreExact decodes with ffmpeg: I_PCM loses nothing.
func TestPicturesAreExact(t *testing.T) {
	ffmpeg, err := exec.LookPath("ffmpeg")
	if errors.Is(err, exec.ErrNotFound) && os.Getenv("CI") != "true" {
		t.Skip("no ffmpeg to decode with")
	}
	require.NoError(t, err)
	var stream, want bytes.Buffer
	for _, nal := range [][]byte{sequenceParameters(columns, rows), pictureParameters()} {
		stream.WriteString("\x00\x00\x00\x01")
		stream.Write(nal)
	}
	for n := range 20 {
		p := draw(n)
		nal := encode(p, n)
		require.Len(t, nal, 4+int(binary.BigEndian.Uint32(nal)))
		stream.WriteString("\x00\x00\x00\x01")
		stream.Write(nal[4:])
		for _, plane := range [][]byte{p.y, p.cb, p.cr} {
			want.Write(plane)
		}
	}
	cmd := exec.CommandContext(t.Context(), ffmpeg, "-v", "error", "-xerror", "-f", "h264", "-i", "-", "-f", "rawvideo", "-pix_fmt", "yuv420p", "-")
	cmd.Stdin = &stream
	out, err := cmd.Output()
	require.NoError(t, err)
	require.True(t, bytes.Equal(want.Bytes(), out), "%d bytes of pictures became %d", want.Len(), len(out))
}
