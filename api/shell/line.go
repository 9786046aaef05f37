package shell

import (
	"bufio"
	"bytes"
	"errors"
)

var (
	errLongLine    = errors.New("shell: the line does not end")
	errInterrupted = errors.New("shell: interrupted")
)

// interrupt is what the telnet command sends for Ctrl+C: IAC IP IAC DO TM (RFC 854, RFC 860).
const interrupt = "\xff\xf4\xff\xfd\x06"

// readLine reads up to the next CR LF, which it leaves out. A lone CR or LF is part of the line.
func readLine(r *bufio.Reader, limit int) (string, error) {
	var line []byte
	for len(line) < limit {
		b, err := r.ReadByte()
		if err != nil {
			return "", err
		}
		line = append(line, b)
		switch {
		case bytes.HasSuffix(line, []byte("\r\n")):
			return string(line[:len(line)-2]), nil
		case bytes.HasSuffix(line, []byte(interrupt)):
			return "", errInterrupted
		}
	}
	return "", errLongLine
}
