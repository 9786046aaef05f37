package mux

import (
	"strings"

	"github.com/sluice-media/sluice/internal/rtp/sdp"
	"github.com/sluice-media/sluice/media"
)

// termsOf returns what players are told of tracks; "" for those that RTP cannot carry.
func termsOf(tracks []*media.Track) (terms [MaxTracks]string) {
	for i, t := range tracks {
		if i < MaxTracks {
			terms[i] = termsAt(t, i)
		}
	}
	return terms
}

func termsAt(t *media.Track, index int) string {
	if offer, ok := sdp.OfferFor(t, index); ok {
		return offer.Terms()
	}
	return ""
}

// join returns the terms of the tracks that are set up, as one.
func (l Layout) join(terms [MaxTracks]string) string {
	var b strings.Builder
	for i, channel := range l.Channels {
		if channel >= 0 {
			b.WriteString(terms[i])
		}
		b.WriteByte(0)
	}
	return b.String()
}

// usualTracks is how many tracks a stream may have for any choice of them to be usual.
const usualTracks = 4

// usual reports whether a layout is one of the few that nearly all clients have: channels by the number of the track, or
// one after the other. Of streams with many tracks only all of them are usual, for the choices would be too many.
func (l Layout) usual() bool {
	byTrack, inOrder, n, last := true, true, 0, -1
	for i, channel := range l.Channels {
		if channel < 0 {
			continue
		}
		byTrack = byTrack && int(channel) == 2*i
		inOrder = inOrder && int(channel) == 2*n
		n, last = n+1, i
	}
	return (byTrack || inOrder) && (last < usualTracks || n == last+1)
}
