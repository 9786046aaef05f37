package s3

import (
	"net/url"
	"strconv"
	"time"

	"github.com/sluice-media/sluice/record"
)

// Names of what an object says of its recording, behind x-amz-meta-.
const (
	// MetaStream is the stream, as vhost/app/name, with what is not ASCII escaped as in a URL. One of over 1 KiB is left out: servers take
	// 2 KiB in all.
	MetaStream = "stream"
	// MetaStart is when the recording begins, by RFC 3339 with milliseconds, in UTC.
	MetaStart = "start"
	// MetaLength is how long it plays, in milliseconds. It is left out when that is not known, as of MPEG-TS after a restart.
	MetaLength = "length-ms"
)

const (
	startLayout = "2006-01-02T15:04:05.000Z07:00"
	maxStream   = 1 << 10
)

// metadata returns what the object of a file says of it.
func metadata(f record.File) map[string]string {
	m := map[string]string{MetaStart: f.Start.UTC().Format(startLayout)}
	stream := (&url.URL{Path: f.Stream.String()}).EscapedPath()
	if len(stream) <= maxStream {
		m[MetaStream] = stream
	}
	if f.Length > 0 {
		m[MetaLength] = strconv.FormatInt(int64(f.Length/time.Millisecond), 10)
	}
	return m
}
