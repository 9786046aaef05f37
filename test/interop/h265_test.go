package interop

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/url"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/bluenviron/gortmplib"
	"github.com/bluenviron/gortmplib/pkg/codecs"
	"github.com/bluenviron/gortmplib/pkg/message"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mpegts"
	tscodecs "github.com/bluenviron/mediacommon/v2/pkg/formats/mpegts/codecs"
	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
)

// H.265 from an independent library, since Debian's ffmpeg and GStreamer cannot put it into FLV: as Enhanced RTMP
// has it, and by the number 12 of before. It is read back by ffmpeg 7, which decides what is in the FLV.
func TestH265(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		bframes int
		legacy  bool
	}{
		{"without B-frames", 0, false},
		{"with B-frames", 3, false},
		{"with B-frames by number", 3, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			source, readers := getClip(t, "h265", c.bframes), h265Readers(t)
			events := readTS(t, source.file)
			// The library does not say goodbye, so the stream would wait for it to come back.
			s := serve(t, media.Config{Options: hook.StreamOptions{ContinuePush: new(time.Duration(0))}}, nil)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			published := make(chan error, 1)
			go func() { published <- publishH265(ctx, s.rtmpURL(), events, c.legacy) }()
			s.await(ctx, t)
			results := readAll(ctx, t, s, readers)
			t.Run("publisher", func(t *testing.T) { require.NoError(t, <-published) })
			for _, r := range results {
				t.Run(r.name, func(t *testing.T) { r.check(ctx, t, source) })
			}
		})
	}
}

// event is a picture or an audio frame.
type event struct {
	pts, dts time.Duration
	nals     [][]byte // of a picture
	audio    []byte
	config   *mpeg4audio.AudioSpecificConfig // of audio
}

const tsClock = 90000

// readTS reads what is in an MPEG-TS file, in the order of DTS.
func readTS(t *testing.T, path string) []event {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	r := &mpegts.Reader{R: bytes.NewReader(data)}
	require.NoError(t, r.Initialize())
	var events []event
	at := func(stamp int64) time.Duration { return time.Duration(stamp) * time.Second / tsClock }
	for _, track := range r.Tracks() {
		switch codec := track.Codec.(type) {
		case *tscodecs.H265:
			r.OnDataH265(track, func(pts, dts int64, au [][]byte) error {
				events = append(events, event{pts: at(pts), dts: at(dts), nals: au})
				return nil
			})
		case *tscodecs.MPEG4Audio:
			r.OnDataMPEG4Audio(track, func(pts int64, aus [][]byte) error {
				for i, au := range aus { // of 1,024 samples each
					stamp := at(pts) + time.Duration(i)*1024*time.Second/time.Duration(codec.SampleRate)
					events = append(events, event{pts: stamp, dts: stamp, audio: au, config: &codec.Config})
				}
				return nil
			})
		}
	}
	for err == nil {
		err = r.Read()
	}
	require.ErrorIs(t, err, io.EOF)
	slices.SortStableFunc(events, func(a, b event) int { return int(a.dts - b.dts) })
	return events
}

// publishH265 sends events at their time.
func publishH265(ctx context.Context, address string, events []event, legacy bool) error {
	u, err := url.Parse(address)
	if err != nil {
		return err
	}
	client := &gortmplib.Client{URL: u, Publish: true}
	if err := client.Initialize(ctx); err != nil {
		return err
	}
	defer client.Close()
	video, sound := &gortmplib.Track{Codec: videoCodec(events)}, &gortmplib.Track{Codec: soundCodec(events)}
	w := &gortmplib.Writer{Conn: client, Tracks: []*gortmplib.Track{video, sound}}
	if legacy {
		w.Conn = byNumber{client}
	}
	if err := w.Initialize(); err != nil {
		return err
	}
	begun, first := time.Now(), events[0].dts
	for _, e := range events {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Until(begun.Add(e.dts - first))):
		}
		if e.audio != nil {
			err = w.WriteMPEG4Audio(sound, e.pts-first, e.audio)
		} else {
			err = w.WriteH265(video, e.pts-first, e.dts-first, e.nals)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func videoCodec(events []event) *codecs.H265 {
	codec := &codecs.H265{}
	for _, e := range events {
		for _, nal := range e.nals {
			switch h265.NALUType(nal[0] >> 1 & 0x3f) {
			case h265.NALUType_VPS_NUT:
				codec.VPS = nal
			case h265.NALUType_SPS_NUT:
				codec.SPS = nal
			case h265.NALUType_PPS_NUT:
				codec.PPS = nal
			}
		}
	}
	return codec
}

func soundCodec(events []event) *codecs.MPEG4Audio {
	i := slices.IndexFunc(events, func(e event) bool { return e.config != nil })
	return &codecs.MPEG4Audio{Config: events[i].config}
}

// byNumber is a connection that sends H.265 as encoders did before Enhanced RTMP: as H.264, but with number 12.
type byNumber struct{ *gortmplib.Client }

func (c byNumber) Write(m message.Message) error {
	switch v := m.(type) {
	case *message.VideoExSequenceStart:
		m = &message.Video{
			ChunkStreamID: v.ChunkStreamID, MessageStreamID: v.MessageStreamID, Codec: message.CodecH265, IsKeyFrame: true,
			Type: message.VideoTypeConfig, HEVCConfig: v.HEVCConfig,
		}
	case *message.VideoExCodedFrames:
		m = c.frame(v.ChunkStreamID, v.MessageStreamID, v.DTS, v.PTSDelta, v.Payload)
	case *message.VideoExFramesX:
		m = c.frame(v.ChunkStreamID, v.MessageStreamID, v.DTS, 0, v.Payload)
	}
	return c.Client.Write(m)
}

func (byNumber) frame(chunkStream byte, messageStream uint32, dts, delta time.Duration, payload []byte) message.Message {
	nals, err := h265Units(payload)
	return &message.Video{
		ChunkStreamID: chunkStream, MessageStreamID: messageStream, DTS: dts, PTSDelta: delta, Codec: message.CodecH265,
		IsKeyFrame: err == nil && h265.IsRandomAccess(nals), Type: message.VideoTypeAU, AU: payload,
	}
}

// h265Units takes a picture apart.
func h265Units(b []byte) ([][]byte, error) {
	var nals [][]byte
	for len(b) >= 4 {
		n := int(b[0])<<24 | int(b[1])<<16 | int(b[2])<<8 | int(b[3])
		if n > len(b)-4 {
			return nil, errors.New("a unit is cut")
		}
		nals = append(nals, b[4:4+n])
		b = b[4+n:]
	}
	return nals, nil
}
