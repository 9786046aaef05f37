package record

import "github.com/sluice-media/sluice/media"

// Query names recordings of a stream.
type Query struct {
	Stream media.StreamKey
	// Period is a day, as in "2026-11-26", or what the names of several days begin with, such as "2026-11"; all if
	// empty.
	Period string
	// Dir is where they are, instead of the configured directory.
	Dir string
}

// Listing is what a Query finds.
type Listing struct {
	// Dir is the absolute directory of Names: that of the day if the Query names one.
	Dir string
	// Names are those of the day's finished files, or of the days.
	Names []string
}
