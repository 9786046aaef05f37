package gb28181

import (
	"encoding/binary"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
)

// FuzzInflow gives packets that anybody may send to each kind of content: none panics, and each call ends.
func FuzzInflow(f *testing.F) {
	packet := func(payloadType byte, seq uint16, payload ...byte) []byte {
		b := binary.BigEndian.AppendUint16([]byte{0x80, payloadType}, seq)
		b = append(b, 0, 0, 0, byte(seq), 0, 0, 0, 7)
		return append(b, payload...)
	}
	frame := func(packets ...[]byte) (b []byte) {
		for _, p := range packets {
			b = append(b, byte(len(p)))
			b = append(b, p...)
		}
		return b
	}
	f.Add(byte(programStream), frame(packet(96, 1, 0, 0, 1, 0xba, 0x44, 0, 4, 0, 4, 1, 0, 0, 3, 0xf8), packet(96, 3, 0, 0, 1, 0xe0, 0, 0)))
	f.Add(byte(transportStream), frame(packet(33, 1, 0x47, 0x40, 0, 0x10, 0)))
	f.Add(byte(h264), frame(packet(98, 1, 0x67, 0x42, 0, 0x1f), packet(98, 2, 0x7c, 0x85, 1), []byte{0x80, 200, 0, 6, 0, 0, 0, 7}))
	f.Add(byte(pcma), frame(packet(8, 1, 1, 2, 3)))
	f.Fuzz(func(t *testing.T, kind byte, data []byte) {
		m, err := media.New(media.Config{Logger: slog.New(slog.DiscardHandler)})
		require.NoError(t, err)
		defer m.Close()
		pub, err := m.Publish(t.Context(), media.PublishRequest{Stream: media.StreamKey{App: "rtp", Name: "a"}})
		require.NoError(t, err)
		in := newInflow(pub, inflowConfig{
			kind: programStream + content(kind%7), payloadType: 96, unreliable: kind&0x80 == 0, log: slog.New(slog.DiscardHandler),
		})
		now := time.Unix(1, 0)
		for len(data) > 0 {
			n := min(int(data[0]), len(data)-1)
			b := data[1 : 1+n]
			data = data[1+n:]
			now = now.Add(time.Duration(n) * time.Millisecond)
			switch {
			case n%16 == 15:
				in.flush(now)
			case n%32 == 14:
				in.restart()
			case n%32 == 30:
				in.torn()
			case n >= minReport && b[1] >= 200 && b[1] <= 204:
				in.report(b, now, func([]byte) error { return nil })
			default:
				in.packet(b, now)
			}
		}
		in.close()
	})
}
