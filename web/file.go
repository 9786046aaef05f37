package web

import (
	"bytes"
	"io"
	"slices"

	"github.com/sluice-media/sluice/media"
)

// fileChunker makes one file of what a chunker makes, for formats whose files have one header, such as MP4: where what follows
// would need another, the readers get the end. A reader of files would pass over a second header, and take what follows for
// what it is not.
type fileChunker struct {
	media.Chunker
	header []byte
	begun  bool // readers may have got it
}

// AppendHeader implements [media.Chunker].
func (m *fileChunker) AppendHeader(dst []byte, d *media.Description) ([]byte, error) {
	header, err := m.Chunker.AppendHeader(nil, d)
	if err == nil && m.begun && !bytes.Equal(header, m.header) {
		return dst, io.EOF
	}
	m.header = slices.Clone(header)
	return append(dst, header...), err
}

// AppendChange implements [media.Chunker]: who reads already has the header.
func (m *fileChunker) AppendChange(dst []byte, _ *media.Description) ([]byte, error) { return dst, nil }

// WritePacket implements [media.Chunker].
func (m *fileChunker) WritePacket(w media.ChunkWriter, p *media.Packet, start bool) error {
	m.begun = m.begun || start
	return m.Chunker.WritePacket(w, p, start)
}
