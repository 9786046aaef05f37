package relay

import "time"

// SnapshotRequest asks for a picture of a stream.
type SnapshotRequest struct {
	// URL is that of the stream, of this server or another: rtsp, rtmp, http and so on. FFmpegConfig.Local knows those of this server, whatever
	// they look like; without it they are asked for over the network, as those of others.
	URL string
	// Timeout is how long to try for. 0 means 10 s.
	Timeout time.Duration
	// MaxAge is how old a picture of an earlier request may be. 0 wants a new one.
	MaxAge time.Duration
	// Width and Height are those of the picture. 0 keeps the stream's, or its shape if the other is given.
	Width, Height int
	// Quality is 1 to 100, for a Format that has that. 0 leaves it to the encoder.
	Quality int
	// Format is "jpeg", "png" or "webp". Empty means jpeg.
	Format string
}

// Snapshot is a picture.
type Snapshot struct {
	// ContentType is that of Data, such as "image/jpeg".
	ContentType string
	Data        []byte
	// Taken is when.
	Taken time.Time
}
