package hlspull

import (
	"fmt"
	"slices"
)

// maxRenditions bounds those of a multivariant playlist.
const maxRenditions = 1000

// rendition is one of sound (RFC 8216, 4.3.4.1).
type rendition struct {
	group string
	uri   string // empty if it is in the playlist of the variant
	first bool   // it is played unless somebody wants another
	auto  bool   // it may be played although nobody asked for it
}

// rendition takes a tag of one.
func (x *parser) rendition(value string) error {
	if attribute(value, "TYPE") != "AUDIO" {
		return nil
	}
	x.sounds = append(x.sounds, rendition{
		group: attribute(value, "GROUP-ID"), uri: attribute(value, "URI"),
		first: attribute(value, "DEFAULT") == "YES", auto: attribute(value, "AUTOSELECT") == "YES",
	})
	if len(x.sounds) > maxRenditions {
		return fmt.Errorf("%w: more than %d renditions", errPlaylist, maxRenditions)
	}
	return nil
}

// sound returns the rendition of the sound of a variant that is played when nobody says which: the default one, the first that may be chosen,
// or the first; nil if there is none.
func (p *playlist) sound(v variant) *rendition {
	if v.sound == "" {
		return nil
	}
	for _, fits := range []func(r *rendition) bool{
		func(r *rendition) bool { return r.first },
		func(r *rendition) bool { return r.auto },
		func(*rendition) bool { return true },
	} {
		at := slices.IndexFunc(p.sounds, func(r rendition) bool { return r.group == v.sound && fits(&r) })
		if at >= 0 {
			return &p.sounds[at]
		}
	}
	return nil
}
