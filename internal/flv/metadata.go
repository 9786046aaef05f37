package flv

import (
	"fmt"
	"maps"
	"slices"

	"github.com/sluice-media/sluice/internal/amf"
	"github.com/sluice-media/sluice/media"
)

const onMetaData = "onMetaData"

// maxMetadata bounds metadata: each viewer gets it, and it is kept as long as the stream.
const maxMetadata = 64 << 10

// script reads a script tag: onMetaData, as it stands or inside @setDataFrame.
func (d *Demuxer) script(body []byte) error {
	if len(body) > maxMetadata {
		return fmt.Errorf("%w: metadata of %d bytes", ErrBadTag, len(body))
	}
	values, err := amf.Unmarshal0(body)
	if len(values) > 0 && values[0] == "@setDataFrame" {
		values = values[1:]
	}
	if len(values) < 2 || values[0] != onMetaData {
		if err != nil {
			return fmt.Errorf("%w: script: %w", ErrBadTag, err)
		}
		return nil
	}
	md := map[string]any{}
	for _, p := range amf.Members(values[1]) {
		switch p.Value.(type) {
		case string, float64, bool:
			md[p.Key] = p.Value
		}
	}
	if !d.gate.Opened() {
		d.announce(md)
	}
	d.sink.SetMetadata(md)
	if !d.gate.Opened() && len(d.tracks()) > 0 && d.complete() {
		return d.gate.Open()
	}
	return nil
}

// announce takes from metadata which kinds of tracks to expect. It is believed only if it names some.
func (d *Demuxer) announce(md map[string]any) {
	names := [2][]string{
		kindVideo: {"videocodecid", "width", "height", "framerate", "videodatarate"},
		kindAudio: {"audiocodecid", "audiosamplerate", "audiodatarate", "audiochannels", "stereo"},
	}
	var found [2]bool
	for kind, keys := range names {
		for _, key := range keys {
			v, ok := md[key]
			found[kind] = found[kind] || ok && v != 0.0 && v != "" && v != false
		}
	}
	if !found[kindVideo] && !found[kindAudio] {
		return
	}
	for kind, f := range found {
		d.expect[kind] = absent
		if f {
			d.expect[kind] = expected
		}
	}
}

// AppendMetadata appends the body of the script tag onMetaData: what the publisher said, corrected and
// completed by what is known of the tracks.
func (e Encoder) AppendMetadata(dst []byte, desc *media.Description) []byte {
	md := maps.Clone(desc.Metadata)
	if md == nil {
		md = map[string]any{}
	}
	for _, key := range []string{"videocodecid", "audiocodecid", "duration", "filesize"} {
		delete(md, key) // a live stream has no length, and the codecs are those that are sent
	}
	for _, t := range desc.Tracks {
		e.describe(md, t)
	}
	var list []amf.Property
	for _, key := range slices.Sorted(maps.Keys(md)) {
		list = append(list, amf.Property{Key: key, Value: md[key]})
	}
	return amf.AppendECMAArray(amf.AppendString(dst, onMetaData), list)
}

// describe adds what is known of a track.
func (e Encoder) describe(md map[string]any, t *media.Track) {
	id := e.metadataID(t.Codec)
	switch {
	case id == 0:
	case t.Codec.Video():
		md["videocodecid"] = id
		set(md, "width", float64(t.Width))
		set(md, "height", float64(t.Height))
		if _, ok := md["framerate"]; !ok {
			set(md, "framerate", t.FPS)
		}
	default:
		md["audiocodecid"] = id
		set(md, "audiosamplerate", float64(t.SampleRate))
		md["audiosamplesize"] = 16.0
		md["stereo"] = t.Channels > 1
	}
}

func set(md map[string]any, key string, v float64) {
	if v > 0 {
		md[key] = v
	}
}

// metadataID is the number of a codec in metadata: that of the tags, or its four letters as a number.
func (e Encoder) metadataID(c media.Codec) float64 {
	id, letters := e.code(c)
	if letters == "" {
		return float64(id)
	}
	return float64(uint32(letters[0])<<24 | uint32(letters[1])<<16 | uint32(letters[2])<<8 | uint32(letters[3]))
}
