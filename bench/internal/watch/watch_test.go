package watch

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/bench/internal/flvtest"
	"github.com/sluice-media/sluice/bench/internal/wire"
)

// feed gives w one message after the other and returns the first error.
func feed(w *Watcher, messages ...wire.Message) error {
	at := time.Now()
	for _, m := range messages {
		if err := w.Message(m, at); err != nil {
			return err
		}
		at = at.Add(time.Millisecond)
	}
	return nil
}

func video(ms uint32, body []byte) wire.Message {
	return wire.Message{Type: wire.TypeVideo, Time: ms, Body: body}
}

func audio(ms uint32, body []byte) wire.Message {
	return wire.Message{Type: wire.TypeAudio, Time: ms, Body: body}
}

func key(ms uint32) wire.Message   { return video(ms, flvtest.AVCPicture(true, 10)) }
func inter(ms uint32) wire.Message { return video(ms, flvtest.AVCPicture(false, 10)) }
func avcConfig() wire.Message      { return video(0, flvtest.AVCConfig()) }
func aacConfig() wire.Message      { return audio(0, flvtest.AACConfig()) }

func TestWatcherAcceptsAStream(t *testing.T) {
	t.Parallel()
	source := wire.NewFLV(bytes.NewReader(flvtest.File(2 * time.Second)))
	w := &Watcher{Strict: true}
	start := time.Now()
	for at := start; ; at = at.Add(time.Millisecond) {
		m, err := source.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		require.NoError(t, w.Message(m, at))
	}
	require.Len(t, w.Pictures(), 50)
	require.Zero(t, w.Gaps())
	require.Equal(t, start.Add(3*time.Millisecond), w.FirstMedia(), "an audio frame, behind three messages of set-up")
	require.Equal(t, start.Add(4*time.Millisecond), w.FirstKey())
	require.True(t, w.Pictures()[10].Key)
	require.Equal(t, 400*time.Millisecond, w.Pictures()[10].Time)
}

func TestWatcherBeforeMedia(t *testing.T) {
	t.Parallel()
	w := &Watcher{}
	require.NoError(t, feed(w, avcConfig(), aacConfig()))
	require.True(t, w.FirstMedia().IsZero())
	require.True(t, w.FirstKey().IsZero())
}

func TestWatcherCountsGapsAtKeyFrames(t *testing.T) {
	t.Parallel()
	w := &Watcher{}
	require.NoError(t, feed(w, avcConfig(), key(0), inter(40), key(400), inter(440)))
	require.Equal(t, 1, w.Gaps())
}

func TestWatcherStampsMayWrap(t *testing.T) {
	t.Parallel()
	w := &Watcher{}
	require.NoError(t, feed(w, avcConfig(), key(0xFFFFFFF0), inter(24)))
}

func TestWatcherRefuses(t *testing.T) {
	t.Parallel()
	twoUnits := append(flvtest.AVCPicture(true, 3), 0, 0, 0, 9, 1)
	notIDR := flvtest.AVCPicture(true, 3)
	notIDR[9] = 0x41
	for name, messages := range map[string][]wire.Message{
		"no configuration":          {key(0)},
		"audio, no configuration":   {audio(0, flvtest.AACFrame(3))},
		"begins without key":        {avcConfig(), inter(0)},
		"gap without key":           {avcConfig(), key(0), inter(40), inter(120)},
		"video goes back":           {avcConfig(), key(80), inter(40)},
		"video stands still":        {avcConfig(), key(80), inter(80)},
		"audio goes back":           {aacConfig(), audio(9, flvtest.AACFrame(3)), audio(8, flvtest.AACFrame(3))},
		"NAL unit too long":         {avcConfig(), video(0, twoUnits)},
		"bytes behind a NAL unit":   {avcConfig(), video(0, append(flvtest.AVCPicture(true, 3), 0))},
		"NAL unit of no bytes":      {avcConfig(), video(0, []byte{0x17, 1, 0, 0, 0, 0, 0, 0, 0})},
		"empty picture":             {avcConfig(), video(0, []byte{0x17, 1, 0, 0, 0})},
		"key flag without IDR":      {avcConfig(), video(0, notIDR)},
		"short configuration":       {video(0, []byte{0x17, 0, 0, 0, 0, 1})},
		"empty video":               {video(0, nil)},
		"short video":               {video(0, []byte{0x17, 1})},
		"unknown packet type":       {video(0, []byte{0x17, 9, 0, 0, 0})},
		"short audio":               {audio(0, []byte{0xAF})},
		"empty AAC frame":           {aacConfig(), audio(0, []byte{0xAF, 1})},
		"enhanced without FourCC":   {video(0, []byte{0x90, 'h'})},
		"enhanced packet type":      {video(0, []byte("\x97hvc1"))},
		"enhanced, no composition":  {video(0, []byte("\x91hvc1\x00"))},
		"enhanced audio, no FourCC": {audio(0, []byte{0x91, 'O'})},
		"enhanced audio, empty":     {audio(0, []byte("\x90Opus")), audio(0, []byte("\x91Opus"))},
		"enhanced audio type":       {audio(0, []byte("\x97Opus"))},
		"script without name":       {{Type: wire.TypeScript, Body: []byte{3}}},
		"script name cut short":     {{Type: wire.TypeScript, Body: []byte{2, 0, 9, 'x'}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.ErrorIs(t, feed(&Watcher{Strict: true}, messages...), wire.ErrMalformed)
		})
	}
}

func TestWatcherLaxAcceptsEqualStamps(t *testing.T) {
	t.Parallel()
	require.NoError(t, feed(&Watcher{}, avcConfig(), key(80), inter(80)))
}

func TestWatcherOtherCodecs(t *testing.T) {
	t.Parallel()
	hvcC := make([]byte, 23)
	hvcC[21] = 0x0F
	unit := []byte{0, 0, 0, 2, 19 << 1, 1} // an IDR picture
	tail := func(head string, parts ...[]byte) []byte {
		return append([]byte(head), bytes.Join(parts, nil)...)
	}
	for name, messages := range map[string][]wire.Message{
		"HEVC legacy":   {video(0, tail("\x1C\x00\x00\x00\x00", hvcC)), video(0, tail("\x1C\x01\x00\x00\x00", unit))},
		"HEVC enhanced": {video(0, tail("\x90hvc1", hvcC)), video(0, tail("\x91hvc1\x00\x00\x00", unit)), video(40, tail("\x93hvc1", unit))},
		"AV1":           {video(0, []byte("\x90av01\x81")), video(0, []byte("\x91av01\x12\x00"))},
		"VP6":           {video(0, []byte{0x14, 1, 2}), video(40, []byte{0x24, 1, 2})},
		"G.711":         {audio(0, []byte{0x72, 1, 2}), audio(20, []byte{0x72, 1, 2})},
		"Opus":          {audio(0, []byte("\x90OpusOpusHead")), audio(0, []byte("\x91Opus\x01"))},
		"ends":          {avcConfig(), key(0), video(40, []byte{0x17, 2, 0, 0, 0})},
		"metadata":      {video(0, []byte("\x94hvc1x")), audio(0, []byte("\x94Opus"))},
		"command frame": {video(0, []byte{0x57, 0})},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.NoError(t, feed(&Watcher{Strict: true}, messages...))
		})
	}
}
