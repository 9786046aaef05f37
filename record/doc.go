// Package record writes live streams to files, keeps the library of what was written, and plays it back.
//
// A [Recorder] records by call, or by the options of a stream. An MP4 recording is written as fragments (ISO/IEC 14496-12, 8.8) of
// half a second, each complete once it is in the file: what a crash leaves plays up to there. The name of a file that is being
// written begins with a dot. When it is closed, a worker makes of it an ordinary MP4 whose index comes first; what a crash has left
// is made one when a Recorder begins again with the same directory.
//
// A recording by HLS is a playlist for each hour (RFC 8216) and its segments, which are written as MPEG-TS or fragments of half a second, too.
// Who writes a playlist has it locked. One that a crash has left is finished when a Recorder begins again, or the stream goes on within the hour:
// the running segment is cut to what is whole of it, gets the length that this has and its line, and the playlist its end. What cannot be finished,
// as what a decoder needs first is damaged, is kept as <name>.damaged. A playlist that no recorder has written stays as it is: the recording has
// vod_1.m3u8 beside it. Where somebody shortens or removes one of ours, the log says how many segments are not in it any more.
//
// A recording goes on in a new file at a key frame: when one is long enough, when the tracks of the stream change, and behind a gap. A
// gap in the stream, or one that a disk has caused that was full or slow, is thus a gap between two files: no file says that it
// has what it has not.
//
// The types of requests and answers are those that package api asks a part with, see api.Parts. A host can serve these calls by a
// recorder of its own.
package record
