package media

import (
	"slices"
	"time"
)

// Silent audio, for streams that have none and whose options ask for it: AAC of 8 kHz, mono.
const (
	muteRate    = 8000
	muteSamples = 1024
	muteFrame   = muteSamples * time.Second / muteRate // 128 ms
	// muteID is the ID of the track, which no publisher should use.
	muteID = -1
)

// mute is the silence of a stream.
type mute struct {
	track *Track
	data  []byte
	next  time.Duration // DTS of the next frame
	begun bool
}

func newMute() *mute {
	return &mute{
		track: &Track{
			ID: muteID, Codec: AAC, ClockRate: muteRate, SampleRate: muteRate, Channels: 1,
			Config: []byte{0x15, 0x88}, // AAC-LC, 8 kHz, one channel (ISO/IEC 14496-3, 1.6.2.1)
		},
		data: []byte{0, 0, 0, 7}, // one channel without a spectrum, and the end (ISO/IEC 14496-3, 4.4.2.1)
	}
}

// addMute adds silence to tracks that are all video, if the stream's options ask for it. st.mu is held.
func (st *Stream) addMute(tracks []*Track) []*Track {
	wanted := *st.options.EnableAudio && *st.options.AddMuteAudio && len(tracks) > 0 && len(tracks) < st.maxTracks() &&
		!slices.ContainsFunc(tracks, func(t *Track) bool { return !t.Codec.Video() })
	switch {
	case !wanted:
		st.mute = nil
		return tracks
	case st.mute == nil:
		st.mute = newMute()
	}
	return append(slices.Clone(tracks), st.mute.track)
}

// maxSilence bounds the silence that is written at once, between two pictures.
const maxSilence = time.Minute

// keepMute writes silence up to the DTS of a picture. st.mu is held.
func (st *Stream) keepMute(at time.Duration) {
	m := st.mute
	if gap := at - m.next; !m.begun || gap > maxSilence || gap < -maxGap {
		m.next, m.begun = at, true
	}
	for m.next <= at {
		st.put(&Packet{Track: m.track, DTS: m.next, PTS: m.next, SourceDTS: m.next, SourcePTS: m.next, Data: m.data})
		m.next += muteFrame
	}
}
