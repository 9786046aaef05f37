package media

// Track describes one elementary stream. It is immutable: new parameter sets mean a new *Track of the same ID.
type Track struct {
	// ID tells the tracks of a stream apart. It is the publisher's choice.
	ID int
	// Codec is how the payload is coded.
	Codec Codec
	// ClockRate is that of the RTP payload in Hz: 90000 for video, the sample rate for most audio. It is
	// informative; stamps of packets are durations.
	ClockRate int
	// Config is the decoder configuration record: avcC (ISO/IEC 14496-15, 5.3.3.1), hvcC (8.3.3.1), av1C, vpcC,
	// AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1), OpusHead without its magic. Empty where the codec has none.
	Config []byte
	// Width and Height are in pixels; 0 where unknown or audio.
	Width, Height int
	// FPS is the nominal number of pictures a second; 0 where unknown.
	FPS float64
	// SampleRate is in Hz and Channels a count; 0 for video.
	SampleRate, Channels int
}
