// Package record is what recorders, libraries of recordings and the playback of files are asked and answer with.
//
// It holds these types only: the recorder itself is still to come. A host that has one of its own can serve the calls
// of package api by it, see api.Parts.
package record
