package wire

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// KeepAliveEvery is how often a player says that it is still there. Servers give up after 60 s by default.
const KeepAliveEvery = 20 * time.Second

// RTSP is a playing RTSP connection (RFC 2326). What arrives by RTP is put together to the messages of an FLV stream,
// so that all protocols are held to the same rules.
type RTSP struct {
	w      io.Writer
	r      *bufio.Reader
	ask    *Requests
	tracks []*rtpTrack
	udp    bool
	queue  []Message // complete, but not yet asked for
	spoken time.Time
	buffer []byte // an interleaved frame; made at the first one
}

var _ Source = (*RTSP)(nil)

// OpenPorts opens a pair of UDP sockets for one more track, RTP and RTCP, and returns the even port of the first.
type OpenPorts func() (int, error)

// PlayRTSP performs DESCRIBE, SETUP of every track and PLAY, and returns when the server has agreed to the last.
//
// Media travels interleaved with the replies (RFC 2326 section 10.12) when open is nil, and by UDP otherwise. Then
// whoever owns the sockets hands each datagram to Datagram, and Next reads nothing but the control connection.
func PlayRTSP(rw io.ReadWriter, u *url.URL, open OpenPorts) (*RTSP, error) {
	c := newRTSP(rw, u)
	c.udp = open != nil
	base, tracks, err := c.describe()
	if err != nil {
		return nil, err
	}
	for i, t := range tracks {
		transport, err := offer(i, open)
		if err != nil {
			return nil, err
		}
		if err := c.setup(control(base, t.control), transport); err != nil {
			return nil, err
		}
		c.tracks = append(c.tracks, newTrack(t, c.udp))
		c.queue = append(c.queue, c.tracks[i].headers()...)
	}
	_, err = c.do("PLAY", base, "", "Range: npt=0.000-")
	return c, err
}

func newRTSP(rw io.ReadWriter, u *url.URL) *RTSP {
	target := &url.URL{Scheme: "rtsp", Host: u.Host, Path: u.Path, RawQuery: u.RawQuery}
	return &RTSP{w: rw, r: bufio.NewReaderSize(rw, 32<<10), ask: &Requests{target: target.String()}, spoken: time.Now()}
}

// offer is the Transport header that proposes how the track of that index travels.
func offer(index int, open OpenPorts) (string, error) {
	if open == nil {
		return fmt.Sprintf("Transport: RTP/AVP/TCP;unicast;interleaved=%d-%d", 2*index, 2*index+1), nil
	}
	port, err := open()
	return fmt.Sprintf("Transport: RTP/AVP;unicast;client_port=%d-%d", port, port+1), err
}

// describe asks for the tracks and returns the URL they are relative to.
func (c *RTSP) describe() (string, []mediaLine, error) {
	res, err := c.do("DESCRIBE", c.ask.target, "", "Accept: application/sdp")
	if err != nil {
		return "", nil, err
	}
	tracks, err := parseSDP(res.body)
	if err != nil {
		return "", nil, err
	}
	base := res.header.Get("Content-Base")
	if base == "" {
		base = c.ask.target
	}
	return base, tracks, nil
}

// control returns the URL of a track, RFC 2326 annex C.1.1.
func control(base, track string) string {
	if strings.Contains(track, "://") {
		return track
	}
	return strings.TrimSuffix(base, "/") + "/" + track
}

// setup sets one track up. The server has to agree to what was proposed: media would be looked for elsewhere.
func (c *RTSP) setup(track, transport string) error {
	res, err := c.do("SETUP", track, "", transport)
	if err != nil {
		return err
	}
	if c.ask.session == "" {
		c.ask.session, _, _ = strings.Cut(res.header.Get("Session"), ";")
	}
	got := res.header.Get("Transport")
	parts := strings.Split(transport, ";")
	if agreed := parts[2]; !strings.Contains(got, agreed) {
		return malformed("the server answered %q to %q", got, transport)
	}
	return nil
}

// response is a reply of the server.
type response struct {
	code   int
	header http.Header
	body   []byte
}

// do sends a request and waits for its reply. Media that comes in between is kept.
func (c *RTSP) do(method, target, body string, head ...string) (*response, error) {
	if err := c.send(c.ask.request(method, target, body, head...)); err != nil {
		return nil, err
	}
	for {
		res, err := c.unit()
		if err != nil {
			return nil, err
		}
		if res == nil || res.header.Get("CSeq") != strconv.Itoa(c.ask.number) {
			continue
		}
		if res.code != http.StatusOK {
			return nil, fmt.Errorf("wire: the server refused %s: %d", method, res.code)
		}
		return res, nil
	}
}

func (c *RTSP) send(b []byte) error {
	c.spoken = time.Now()
	if _, err := c.w.Write(b); err != nil {
		return fmt.Errorf("wire: write: %w", err)
	}
	return nil
}

// Next returns the next picture, audio frame or sequence header.
func (c *RTSP) Next() (Message, error) {
	for {
		if m, ok := c.Queued(); ok {
			return m, nil
		}
		if err := c.KeepAlive(); err != nil {
			return Message{}, err
		}
		if _, err := c.unit(); err != nil {
			return Message{}, err
		}
	}
}

// KeepAlive tells the server that the player is still there, if that is due.
func (c *RTSP) KeepAlive() error {
	if time.Since(c.spoken) < KeepAliveEvery {
		return nil
	}
	return c.send(c.ask.KeepAlive())
}

// Queued returns the next message that has arrived completely, if there is one.
func (c *RTSP) Queued() (Message, bool) {
	if len(c.queue) == 0 {
		return Message{}, false
	}
	m := c.queue[0]
	c.queue = c.queue[1:]
	return m, true
}

// unit reads what comes next on the connection: a reply, or interleaved data, for which the response is nil.
func (c *RTSP) unit() (*response, error) {
	first, err := c.r.Peek(1)
	if err != nil {
		return nil, fmt.Errorf("wire: read: %w", err)
	}
	if first[0] == '$' {
		return nil, c.interleaved()
	}
	return c.reply()
}

// interleaved reads one frame of RFC 2326 section 10.12.
func (c *RTSP) interleaved() error {
	if c.buffer == nil {
		c.buffer = make([]byte, 1<<16)
	}
	var head [4]byte
	if err := c.full(head[:]); err != nil {
		return err
	}
	packet := c.buffer[:binary.BigEndian.Uint16(head[2:])]
	if err := c.full(packet); err != nil {
		return err
	}
	track := int(head[1] / 2)
	if c.udp || track >= len(c.tracks) {
		return malformed("data on channel %d, which was not set up", head[1])
	}
	return c.Datagram(track, head[1]%2 == 1, packet)
}

// Datagram takes one RTP or RTCP packet of a track. It does not keep packet.
func (c *RTSP) Datagram(track int, rtcp bool, packet []byte) error {
	if rtcp {
		return checkRTCP(packet)
	}
	messages, err := c.tracks[track].packet(packet)
	c.queue = append(c.queue, messages...)
	return err
}

// Missing returns how many RTP packets the sequence numbers leave out so far, all tracks together. A packet that comes
// too late counts as well until it is there.
func (c *RTSP) Missing() int {
	n := 0
	for _, t := range c.tracks {
		n += t.missing
	}
	return n
}

// Requests returns what a player needs to keep its session alive when nothing else of it is kept.
func (c *RTSP) Requests() *Requests { return c.ask }

// reply reads one response.
func (c *RTSP) reply() (*response, error) {
	text := textproto.NewReader(c.r)
	line, err := text.ReadLine()
	if err != nil {
		return nil, fmt.Errorf("wire: read: %w", err)
	}
	version, rest, _ := strings.Cut(line, " ")
	status, _, _ := strings.Cut(rest, " ")
	res := &response{}
	if res.code, err = strconv.Atoi(status); err != nil || version != "RTSP/1.0" {
		return nil, malformed("RTSP reply begins with %.40q", line)
	}
	header, err := text.ReadMIMEHeader()
	if err != nil {
		return nil, fmt.Errorf("wire: RTSP reply: %w", err)
	}
	res.header = http.Header(header)
	length := res.header.Get("Content-Length")
	if length == "" {
		return res, nil
	}
	n, err := strconv.Atoi(length)
	if err != nil || n < 0 || n > maxBody {
		return nil, malformed("Content-Length %q", length)
	}
	res.body = make([]byte, n)
	return res, c.full(res.body)
}

func (c *RTSP) full(b []byte) error {
	if _, err := io.ReadFull(c.r, b); err != nil {
		return fmt.Errorf("wire: read: %w", err)
	}
	return nil
}
