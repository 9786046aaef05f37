package handshake

import (
	"crypto/rand"
	"fmt"
	"io"
)

// Connect shakes hands with a server by the simple handshake (5.2), which all servers take. The caller bounds the time.
func Connect(rw io.ReadWriter) error {
	hello := make([]byte, 1+size)
	hello[0] = version
	if _, err := rand.Read(hello[1+8:]); err != nil {
		return fmt.Errorf("rtmp: handshake: %w", err)
	}
	if _, err := rw.Write(hello); err != nil {
		return fmt.Errorf("rtmp: handshake: %w", err)
	}
	reply := make([]byte, Size)
	if _, err := io.ReadFull(rw, reply); err != nil {
		return fmt.Errorf("rtmp: handshake: %w", err)
	}
	if reply[0] != version {
		return fmt.Errorf("rtmp: handshake: version %d is not RTMP", reply[0])
	}
	// C2 repeats S1. Whether S2 repeats C1 does not matter: there are servers that fill it wrongly.
	if _, err := rw.Write(reply[1 : 1+size]); err != nil {
		return fmt.Errorf("rtmp: handshake: %w", err)
	}
	return nil
}
