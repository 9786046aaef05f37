// Package mp4 reads MP4 (ISO/IEC 14496-12) and QuickTime files, progressive and fragmented, and makes an ordinary file of a
// fragmented one.
//
// Open reads the index of a file alone: the sample tables of its moov box, or the heads of its fragments. Both become the same
// compact tables in memory. Bytes of a file are hostile: nothing is allocated that the file does not have the bytes for, and
// every loop ends with them.
package mp4

import "errors"

// What keeps a file from being read or finished.
var (
	// ErrNoMovie says that there is no whole moov box: it is no MP4 file, or one that was cut before its index.
	ErrNoMovie = errors.New("mp4: no moov box")
	// ErrMalformed says that boxes contradict themselves or each other.
	ErrMalformed = errors.New("mp4: malformed")
	// ErrNoTracks says that the file has no track of a codec that is known.
	ErrNoTracks = errors.New("mp4: no track that can be read")
	// ErrNotFragmented says that the file is an ordinary one already.
	ErrNotFragmented = errors.New("mp4: not a fragmented file")
	// ErrEmpty says that there is no whole fragment.
	ErrEmpty = errors.New("mp4: no whole fragment")
)

// What a file can have at most.
const (
	maxTracks     = 16
	maxMovie      = 128 << 20 // bytes of moov
	maxFragment   = 16 << 20  // bytes of moof
	maxConfig     = 64 << 10  // bytes of a decoder configuration
	maxEntries    = 64        // sample entries of a track
	maxUUIDs      = 64
	maxDefaults   = 1024 // trex boxes
	maxSampleSize = 16 << 20
	maxSamples    = 1 << 24 // of all tracks
	maxBoxes      = 1 << 22 // on the top level
	maxTimescale  = 1e9     // more would be finer than a time.Duration
	maxSeconds    = 1 << 31 // of a stamp: 68 years
	maxEdit       = 1 << 28 // seconds of an edit and of a composition offset
)
