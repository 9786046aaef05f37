package rtmp_test

import (
	"context"
	"io"
	"log/slog"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/bluenviron/gortmplib"
	"github.com/bluenviron/gortmplib/pkg/codecs"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/opus"
	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtmp"
)

func logTo(w io.Writer, mu *sync.Mutex) *slog.Logger {
	return slog.New(slog.NewTextHandler(lockedWriter{w, mu}, nil))
}

type lockedWriter struct {
	w  io.Writer
	mu *sync.Mutex
}

func (l lockedWriter) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

var (
	sps = []byte{0x67, 0x64, 0x00, 0x0c, 0xac, 0x3b, 0x50, 0xb0, 0x4b, 0x42, 0x00, 0x00, 0x03, 0x00, 0x02, 0x00, 0x00, 0x03, 0x00, 0x3d, 0x08}
	pps = []byte{0x68, 0xee, 0x3c, 0x80}

	vps265 = []byte{0x40, 0x01, 0x0c, 0x01, 0xff, 0xff, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00, 0x03, 0x00, 0x78, 0x99, 0x98, 0x09}
	sps265 = []byte{
		0x42, 0x01, 0x01, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00, 0x03, 0x00, 0x78, 0xa0, 0x03, 0xc0, 0x80,
		0x10, 0xe5, 0x96, 0x66, 0x69, 0x24, 0xca, 0xe0, 0x10, 0x00, 0x00, 0x03, 0x00, 0x10, 0x00, 0x00, 0x03, 0x01, 0xe0, 0x80,
	}
	pps265 = []byte{0x44, 0x01, 0xc1, 0x72, 0xb4, 0x62, 0x40}
)

// codecCase is a codec as an independent client writes and reads it.
type codecCase struct {
	track *gortmplib.Track
	write func(w *gortmplib.Writer, t *gortmplib.Track, at time.Duration) error
	read  func(r *gortmplib.Reader, t *gortmplib.Track, got func(at time.Duration, data []byte))
	data  []byte
}

func codecCases() map[string]codecCase {
	idr, frame := []byte{0x65, 1, 2, 3}, []byte{1, 2, 3, 4, 5, 6}
	irap := []byte{0x26, 1, 2, 3}
	mp3 := append([]byte{0xff, 0xfb, 0x90, 0x00}, make([]byte, 413)...)
	tu := []byte{8, 0, 0, 0, 66, 167, 191, 228, 96, 13, 0, 64} // a sequence header: decoding can start
	vp9 := []byte{0x82, 0x49, 0x83, 0x42, 0x00, 0x77, 0xf0, 0x32, 0x34}
	return map[string]codecCase{
		"H264": {
			&gortmplib.Track{Codec: &codecs.H264{SPS: sps, PPS: pps}},
			func(w *gortmplib.Writer, t *gortmplib.Track, at time.Duration) error {
				return w.WriteH264(t, at+40*time.Millisecond, at, [][]byte{idr})
			},
			func(r *gortmplib.Reader, t *gortmplib.Track, got func(time.Duration, []byte)) {
				r.OnDataH264(t, func(pts, dts time.Duration, au [][]byte) {
					if pts == dts+40*time.Millisecond && h264.IsRandomAccess(au) {
						got(dts, au[len(au)-1])
					}
				})
			}, idr,
		},
		"H265": {
			&gortmplib.Track{Codec: &codecs.H265{VPS: vps265, SPS: sps265, PPS: pps265}},
			func(w *gortmplib.Writer, t *gortmplib.Track, at time.Duration) error {
				return w.WriteH265(t, at+40*time.Millisecond, at, [][]byte{irap})
			},
			func(r *gortmplib.Reader, t *gortmplib.Track, got func(time.Duration, []byte)) {
				r.OnDataH265(t, func(pts, dts time.Duration, au [][]byte) {
					if pts == dts+40*time.Millisecond {
						got(dts, au[len(au)-1])
					}
				})
			}, irap,
		},
		"AAC": {
			&gortmplib.Track{Codec: &codecs.MPEG4Audio{Config: &mpeg4audio.AudioSpecificConfig{
				Type: mpeg4audio.ObjectTypeAACLC, SampleRate: 44100, ChannelConfig: 2,
			}}},
			func(w *gortmplib.Writer, t *gortmplib.Track, at time.Duration) error {
				return w.WriteMPEG4Audio(t, at, frame)
			},
			func(r *gortmplib.Reader, t *gortmplib.Track, got func(time.Duration, []byte)) {
				r.OnDataMPEG4Audio(t, got)
			}, frame,
		},
		"Opus": {
			&gortmplib.Track{Codec: &codecs.Opus{IDHeader: &opus.IDHeader{Version: 1, ChannelCount: 2, PreSkip: 3840, InputSampleRate: 48000}}},
			func(w *gortmplib.Writer, t *gortmplib.Track, at time.Duration) error {
				return w.WriteOpus(t, at, frame)
			},
			func(r *gortmplib.Reader, t *gortmplib.Track, got func(time.Duration, []byte)) { r.OnDataOpus(t, got) }, frame,
		},
		"MP3": {
			&gortmplib.Track{Codec: &codecs.MPEG1Audio{}},
			func(w *gortmplib.Writer, t *gortmplib.Track, at time.Duration) error {
				return w.WriteMPEG1Audio(t, at, mp3)
			},
			func(r *gortmplib.Reader, t *gortmplib.Track, got func(time.Duration, []byte)) {
				r.OnDataMPEG1Audio(t, got)
			}, mp3,
		},
		"PCMA": {
			&gortmplib.Track{Codec: &codecs.G711{ChannelCount: 1}},
			func(w *gortmplib.Writer, t *gortmplib.Track, at time.Duration) error {
				return w.WriteG711(t, at, frame)
			},
			func(r *gortmplib.Reader, t *gortmplib.Track, got func(time.Duration, []byte)) { r.OnDataG711(t, got) }, frame,
		},
		"PCMU": {
			&gortmplib.Track{Codec: &codecs.G711{MULaw: true, ChannelCount: 1}},
			func(w *gortmplib.Writer, t *gortmplib.Track, at time.Duration) error {
				return w.WriteG711(t, at, frame)
			},
			func(r *gortmplib.Reader, t *gortmplib.Track, got func(time.Duration, []byte)) { r.OnDataG711(t, got) }, frame,
		},
		"AV1": {
			&gortmplib.Track{Codec: &codecs.AV1{}},
			func(w *gortmplib.Writer, t *gortmplib.Track, at time.Duration) error {
				return w.WriteAV1(t, at, [][]byte{tu})
			},
			func(r *gortmplib.Reader, t *gortmplib.Track, got func(time.Duration, []byte)) {
				r.OnDataAV1(t, func(pts time.Duration, tu [][]byte) { got(pts, tu[0]) })
			}, tu,
		},
		"VP9": {
			&gortmplib.Track{Codec: &codecs.VP9{}},
			func(w *gortmplib.Writer, t *gortmplib.Track, at time.Duration) error { return w.WriteVP9(t, at, vp9) },
			func(r *gortmplib.Reader, t *gortmplib.Track, got func(time.Duration, []byte)) { r.OnDataVP9(t, got) }, vp9,
		},
	}
}

// An independent library publishes every codec it has and reads it back.
func TestIndependentLibrary(t *testing.T) {
	for name, c := range codecCases() {
		t.Run(name, func(t *testing.T) {
			m, addr := start(t, media.Config{}, rtmp.Config{})
			u, err := url.Parse("rtmp://" + addr + "/live/" + name)
			require.NoError(t, err)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			pub := &gortmplib.Client{URL: u, Publish: true}
			require.NoError(t, pub.Initialize(ctx))
			defer pub.Close()
			w := &gortmplib.Writer{Conn: pub, Tracks: []*gortmplib.Track{c.track}}
			require.NoError(t, w.Initialize())
			write := func(i int) { require.NoError(t, c.write(w, c.track, time.Duration(i)*40*time.Millisecond)) }
			for i := range 110 { // more than are held back for a second track
				write(i)
			}
			st := waitStream(t, m, key(name))
			require.Eventually(t, func() bool { // so that nothing is left that comes faster than real time
				tracks := st.Stats().Tracks
				return len(tracks) == 1 && tracks[0].Frames == 110
			}, patience, time.Millisecond)

			sub := &gortmplib.Client{URL: u}
			require.NoError(t, sub.Initialize(ctx))
			defer sub.Close()
			require.NoError(t, sub.NetConn().SetReadDeadline(time.Now().Add(patience)))
			done := make(chan struct{})
			var feeding sync.WaitGroup
			defer feeding.Wait()
			defer close(done)
			feeding.Go(func() {
				for i := 110; ; i++ {
					select {
					case <-done:
						return
					case <-time.After(40 * time.Millisecond): // in real time
						_ = c.write(w, c.track, time.Duration(i)*40*time.Millisecond)
					}
				}
			})
			r := &gortmplib.Reader{Conn: sub}
			require.NoError(t, r.Initialize())
			require.Len(t, r.Tracks(), 1)
			require.IsType(t, c.track.Codec, r.Tracks()[0].Codec)
			var stamps []time.Duration
			c.read(r, r.Tracks()[0], func(at time.Duration, data []byte) {
				require.Equal(t, c.data, data)
				stamps = append(stamps, at)
			})
			for len(stamps) < 10 {
				require.NoError(t, r.Read())
			}
			for i := range stamps[1:] {
				require.Equal(t, 40*time.Millisecond, stamps[i+1]-stamps[i])
			}
		})
	}
}
