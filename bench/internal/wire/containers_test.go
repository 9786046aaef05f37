package wire

import (
	"bytes"
	"net/http"
	"testing"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/mpeg4audio"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/fmp4/seekablebuffer"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mp4/codecs"
	"github.com/bluenviron/mediacommon/v2/pkg/formats/mpegts"
	tscodecs "github.com/bluenviron/mediacommon/v2/pkg/formats/mpegts/codecs"
	"github.com/stretchr/testify/require"
)

var (
	testSPS = []byte{0x67, 0x64, 0x00, 0x0d, 0xac, 0xd9, 0x41, 0x41, 0xfb, 0x01, 0x10, 0x00, 0x00, 0x03, 0x00, 0x10, 0x00, 0x00, 0x03, 0x03, 0x20, 0xf1, 0x42, 0x99, 0x60}
	testPPS = []byte{0x68, 0xeb, 0xe3, 0xcb, 0x22, 0xc0}
	testAAC = mpeg4audio.AudioSpecificConfig{Type: mpeg4audio.ObjectTypeAACLC, SampleRate: 44100, ChannelConfig: 2}
)

// transportStream is one of two pictures and a frame of sound.
func transportStream(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	video := &mpegts.Track{PID: 256, Codec: &tscodecs.H264{}}
	sound := &mpegts.Track{PID: 257, Codec: &tscodecs.MPEG4Audio{Config: testAAC}}
	w := &mpegts.Writer{W: &b, Tracks: []*mpegts.Track{video, sound}}
	require.NoError(t, w.Initialize())
	require.NoError(t, w.WriteH264(video, 9000, 9000, [][]byte{testSPS, testPPS, {0x65, 1, 2, 3}}))
	require.NoError(t, w.WriteMPEG4Audio(sound, 9000, [][]byte{{7, 7, 7}}))
	require.NoError(t, w.WriteH264(video, 12600, 12600, [][]byte{{0x41, 9}}))
	require.NoError(t, w.WriteH264(video, 16200, 16200, [][]byte{{0x41, 9}})) // with it the one before is whole
	return b.Bytes()
}

// fragmentedFile is the same as fragmented MP4.
func fragmentedFile(t *testing.T) []byte {
	t.Helper()
	var init, part seekablebuffer.Buffer
	require.NoError(t, fmp4.Init{Tracks: []*fmp4.InitTrack{
		{ID: 1, TimeScale: 90000, Codec: &codecs.H264{SPS: testSPS, PPS: testPPS}},
		{ID: 2, TimeScale: 44100, Codec: &codecs.MPEG4Audio{Config: testAAC}},
	}}.Marshal(&init))
	require.NoError(t, fmp4.Part{SequenceNumber: 1, Tracks: []*fmp4.PartTrack{
		{ID: 1, BaseTime: 9000, Samples: []*fmp4.Sample{
			{Duration: 3600, Payload: []byte{0, 0, 0, 4, 0x65, 1, 2, 3}},
			{Duration: 3600, IsNonSyncSample: true, Payload: []byte{0, 0, 0, 2, 0x41, 9}},
		}},
		{ID: 2, BaseTime: 4410, Samples: []*fmp4.Sample{{Duration: 1024, Payload: []byte{7, 7, 7}}}},
	}}.Marshal(&part))
	return append(init.Bytes(), part.Bytes()...)
}

// Pictures and sound of the other containers are told as those of FLV.
func TestPlayContainers(t *testing.T) {
	for proto, file := range map[string][]byte{"ts": transportStream(t), "fmp4": fragmentedFile(t)} {
		conn := against(t, httpStub(func(*http.Request) string { return "HTTP/1.1 200 OK\r\n\r\n" + string(file) }))
		source, err := Play(proto, conn, mustURL(t, "http://127.0.0.1:80/live/a"))
		require.NoError(t, err, proto)
		var video, sound []Message
		for len(video) < 3 || len(sound) < 2 {
			m, err := source.Next()
			require.NoError(t, err, proto)
			if m.Type == TypeVideo {
				video = append(video, m)
			} else {
				sound = append(sound, m)
			}
		}
		require.Equal(t, h264{}.config(), video[0], proto)
		require.EqualValues(t, 100, video[1].Time, proto)
		require.Equal(t, []byte{0x17, 1, 0, 0, 0}, video[1].Body[:5], proto)
		require.True(t, bytes.HasSuffix(video[1].Body, []byte{0, 0, 0, 4, 0x65, 1, 2, 3}), proto)
		require.EqualValues(t, 140, video[2].Time, proto)
		require.Equal(t, []byte{0x27, 1, 0, 0, 0, 0, 0, 0, 2, 0x41, 9}, video[2].Body, proto)
		require.Equal(t, Message{Type: TypeAudio, Time: 100, Body: []byte{0xaf, 1, 7, 7, 7}}, sound[1], proto)
	}
}

// What is broken is said to be, and nothing is taken on its word for how long it is.
func TestBrokenContainers(t *testing.T) {
	file := fragmentedFile(t)
	long := bytes.Clone(file)
	at := bytes.Index(long, []byte("moof")) - 4
	long[at] = 0x7f
	for name, b := range map[string][]byte{"other box": append([]byte{0, 0, 0, 8}, "free"...), "long box": long, "no init": file[8:]} {
		conn := against(t, httpStub(func(*http.Request) string { return "HTTP/1.1 200 OK\r\n\r\n" + string(b) }))
		source, err := Play("fmp4", conn, mustURL(t, "http://127.0.0.1:80/live/a"))
		for err == nil {
			_, err = source.Next()
		}
		require.ErrorIs(t, err, ErrMalformed, name)
	}
}
