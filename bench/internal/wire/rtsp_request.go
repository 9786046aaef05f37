package wire

import (
	"fmt"
	"strconv"
	"strings"
)

// Requests numbers the requests of one RTSP connection and puts into each what all have in common.
type Requests struct {
	target  string
	session string
	number  int
}

// request returns the next request.
func (q *Requests) request(method, target, body string, head ...string) []byte {
	q.number++
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s RTSP/1.0\r\nCSeq: %d\r\nUser-Agent: sluice-bench\r\n", method, target, q.number)
	if q.session != "" {
		b.WriteString("Session: " + q.session + "\r\n")
	}
	for _, line := range head {
		b.WriteString(line + "\r\n")
	}
	if body != "" {
		b.WriteString("Content-Length: " + strconv.Itoa(len(body)) + "\r\n")
	}
	b.WriteString("\r\n" + body)
	return []byte(b.String())
}

// KeepAlive returns the next request that asks for nothing but shows that the client is there.
func (q *Requests) KeepAlive() []byte { return q.request("OPTIONS", q.target, "") }
