// Package hlscheck holds the media playlists of a server to RFC 8216 and to its second edition (draft-pantos-hls-rfc8216bis),
// as a client sees them: each version for itself, each against the one before, and what they name against what is served. It
// is for tests, and shares no code with what writes playlists.
package hlscheck
