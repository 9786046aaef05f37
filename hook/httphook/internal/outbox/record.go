package outbox

import (
	"bufio"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"os"
)

// recordHead is the length and the CRC-32C in front of a message, both big-endian.
const recordHead = 8

var errGarbled = errors.New("outbox: a record is torn or garbled")

func checksum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

func recordSize(message []byte) int64 { return recordHead + int64(len(message)) }

func appendRecord(b, message []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(message)))
	b = binary.BigEndian.AppendUint32(b, checksum(message))
	return append(b, message...)
}

// readRecord reads a message. The error is io.EOF at the end, errGarbled for what is none.
func readRecord(r io.Reader) ([]byte, error) {
	var head [recordHead]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, garbled(err)
	}
	n := binary.BigEndian.Uint32(head[:])
	if n > MaxMessage {
		return nil, errGarbled
	}
	message := make([]byte, n)
	if _, err := io.ReadFull(r, message); err != nil {
		return nil, garbled(errors.Join(err, io.ErrUnexpectedEOF))
	}
	if checksum(message) != binary.BigEndian.Uint32(head[4:]) {
		return nil, errGarbled
	}
	return message, nil
}

func garbled(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errGarbled
	}
	return err
}

// scan counts the messages of a segment, and the bytes up to its end or to the first record that is garbled.
func scan(path string) (messages int, size int64, torn bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, 0, false, err
	}
	defer f.Close()
	for r := bufio.NewReader(f); ; messages++ {
		message, err := readRecord(r)
		switch {
		case errors.Is(err, errGarbled):
			return messages, size, true, nil
		case errors.Is(err, io.EOF):
			return messages, size, false, nil
		case err != nil:
			return messages, size, false, err
		}
		size += recordSize(message)
	}
}
