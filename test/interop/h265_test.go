package interop

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/bluenviron/gortmplib"
	"github.com/bluenviron/gortmplib/pkg/codecs"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mpegts"
	tscodecs "github.com/bluenviron/mediacommon/v2/pkg/formats/mpegts/codecs"
	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
)

// Debian's ffmpeg and GStreamer cannot carry H.265 in FLV. An independent library publishes it, real clients
// fetch it, and the pictures are taken out of the FLV by a few lines of this test.
func TestH265(t *testing.T) {
	for name, bframes := range map[string]string{"without B-frames": "0", "with B-frames": "3"} {
		t.Run(name, func(t *testing.T) {
			clip := encode(t, "clip.ts", 16, "-an", "-c:v", "libx265", "-preset", "ultrafast", "-x265-params",
				"log-level=error:keyint=50:min-keyint=50:scenecut=0:open-gop=0:bframes="+bframes, "-b:v", "300k")
			source := pictures(t, clip)
			s := start(t, media.Config{})
			units := accessUnits(t, clip)
			ctx, cancel := context.WithCancel(t.Context())
			published := make(chan error, 1)
			go func() { published <- publishH265(ctx, s.rtmpURL("test"), units) }()
			defer func() { cancel(); <-published }()
			s.await(t, "test")
			able := slices.DeleteFunc(readers(), func(r reader) bool {
				return !slices.Contains([]string{"rtmpdump", "curl", "websocket"}, r.name)
			})
			for r, read := range readAll(t, able, s, "test", 7) {
				t.Run(r, func(t *testing.T) {
					requireRun(t, source, pictures(t, extractH265(t, read(t))), 75)
				})
			}
		})
	}
}

type unit struct {
	pts, dts time.Duration
	nals     [][]byte
}

// accessUnits reads the pictures of an MPEG-TS file.
func accessUnits(t *testing.T, path string) []unit {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	r := &mpegts.Reader{R: bytes.NewReader(data)}
	require.NoError(t, r.Initialize())
	var units []unit
	for _, track := range r.Tracks() {
		if _, ok := track.Codec.(*tscodecs.H265); ok {
			r.OnDataH265(track, func(pts, dts int64, au [][]byte) error {
				units = append(units, unit{time.Duration(pts) * time.Second / 90000, time.Duration(dts) * time.Second / 90000, au})
				return nil
			})
		}
	}
	for {
		if err := r.Read(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			require.NoError(t, err)
		}
	}
	require.Greater(t, len(units), 300)
	return units
}

// publishH265 sends pictures at their time.
func publishH265(ctx context.Context, address string, units []unit) error {
	u, err := url.Parse(address)
	if err != nil {
		return err
	}
	codec := &codecs.H265{}
	for _, nal := range units[0].nals {
		switch h265.NALUType(nal[0] >> 1 & 0x3f) {
		case h265.NALUType_VPS_NUT:
			codec.VPS = nal
		case h265.NALUType_SPS_NUT:
			codec.SPS = nal
		case h265.NALUType_PPS_NUT:
			codec.PPS = nal
		}
	}
	c := &gortmplib.Client{URL: u, Publish: true}
	if err := c.Initialize(ctx); err != nil {
		return err
	}
	defer c.Close()
	track := &gortmplib.Track{Codec: codec}
	w := &gortmplib.Writer{Conn: c, Tracks: []*gortmplib.Track{track}}
	if err := w.Initialize(); err != nil {
		return err
	}
	begun, first := time.Now(), units[0].dts
	for _, au := range units {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Until(begun.Add(au.dts - first))):
		}
		if err := w.WriteH265(track, au.pts, au.dts, au.nals); err != nil {
			return err
		}
	}
	return nil
}

// extractH265 takes the NAL units out of an FLV file by what Enhanced RTMP says, without our own FLV reader.
func extractH265(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "FLV", string(b[:3]))
	var out []byte
	nal := func(n []byte) { out = append(append(out, 0, 0, 0, 1), n...) }
	last := int64(-1)
	for b = b[13:]; len(b) > 11; {
		size := int(b[1])<<16 | int(b[2])<<8 | int(b[3])
		stamp := int64(b[7])<<24 | int64(b[4])<<16 | int64(b[5])<<8 | int64(b[6])
		if len(b) < 11+size+4 {
			break // cut by the end of the recording
		}
		body, typ := b[11:11+size], b[0]
		b = b[11+size+4:]
		if typ != 9 {
			continue
		}
		require.Equal(t, "hvc1", string(body[1:5]))
		switch body[0] & 0xf {
		case 0:
			parameterSets(body[5:], nal)
		case 1:
			require.Greater(t, stamp, last)
			last = stamp
			for rest := body[8:]; len(rest) > 4; {
				n := binary.BigEndian.Uint32(rest)
				nal(rest[4 : 4+n])
				rest = rest[4+n:]
			}
		}
	}
	file := filepath.Join(t.TempDir(), "out.h265")
	require.NoError(t, os.WriteFile(file, out, 0o600))
	return file
}

// parameterSets reads an hvcC.
func parameterSets(b []byte, nal func([]byte)) {
	arrays := int(b[22])
	b = b[23:]
	for range arrays {
		count := int(binary.BigEndian.Uint16(b[1:]))
		b = b[3:]
		for range count {
			n := int(binary.BigEndian.Uint16(b))
			nal(b[2 : 2+n])
			b = b[2+n:]
		}
	}
}
