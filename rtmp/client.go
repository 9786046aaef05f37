package rtmp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/sluice-media/sluice/internal/amf"
	"github.com/sluice-media/sluice/internal/outbound"
	"github.com/sluice-media/sluice/internal/redact"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/rtmp/internal/chunk"
	"github.com/sluice-media/sluice/rtmp/internal/handshake"
)

// client is a connection to a server. One goroutine reads it and owns what is here.
type client struct {
	cfg    ClientConfig
	url    string // without credentials
	app    string
	name   string // of the stream, with the query
	tcURL  string
	conn   net.Conn
	reader *chunk.Reader
	entry  *media.Session
	last   float64 // the newest transaction
	stream uint32  // that the server has given
	file   bool    // the server has said that it is recorded, and sends it as fast as the buffer allows
	insert func(b []byte)
}

var errNoStream = errors.New("rtmp: the URL names no app and stream")

// dialServer connects to the server of a URL.
func dialServer(ctx context.Context, rawURL string, cfg ClientConfig) (*client, error) {
	c := &client{cfg: cfg.withDefaults()}
	u, address, err := c.parse(rawURL)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.cfg.DialTimeout)
	defer cancel()
	dialer := outbound.Dialer(c.cfg.Dial)
	if u.Scheme == "rtmps" {
		c.conn, err = dialer.DialTLS(ctx, address, u.Hostname(), c.cfg.TLSConfig)
	} else {
		c.conn, err = dialer.Dial(ctx, address)
	}
	if err != nil {
		return nil, fmt.Errorf("rtmp: %w", err)
	}
	c.reader = chunk.NewReader(c.conn, c.received)
	c.reader.Limit(chunk.Early())
	return c, nil
}

// parse takes a URL apart: rtmp://host[:port]/app/name[?query], where the name may have slashes.
func (c *client) parse(rawURL string) (u *url.URL, address string, err error) {
	if u, err = url.Parse(rawURL); err != nil { // it repeats the URL, and what it takes for a port may be of a password
		return nil, "", fmt.Errorf("rtmp: %.200q is no URL", redact.URL(rawURL))
	}
	port := "1935"
	switch u.Scheme {
	case "rtmp":
	case "rtmps":
		port = "443"
	default:
		return nil, "", fmt.Errorf("rtmp: %q is no scheme of RTMP", u.Scheme)
	}
	app, name, _ := strings.Cut(strings.Trim(u.Path, "/"), "/")
	if app == "" || name == "" || len(rawURL) > maxText {
		return nil, "", errNoStream
	}
	c.app, c.name = app, name
	plain := *u
	plain.User = nil
	c.url = plain.String()
	if u.RawQuery != "" {
		c.name += "?" + u.RawQuery
	}
	c.tcURL = u.Scheme + "://" + u.Host + "/" + app
	if address = u.Host; u.Port() == "" {
		address = net.JoinHostPort(u.Hostname(), port)
	}
	return u, address, nil
}

func (c *client) received(n int) {
	if c.entry != nil {
		c.entry.Received(n)
	}
}

// open shakes hands and makes a message stream. publishes says what for.
func (c *client) open(publishes bool) error {
	if err := c.conn.SetDeadline(time.Now().Add(c.cfg.DialTimeout)); err != nil {
		return err
	}
	if err := handshake.Connect(c.conn); err != nil {
		return err
	}
	about := amf.Object{
		{Key: "app", Value: c.app}, {Key: "flashVer", Value: "LNX 9,0,124,2"}, {Key: "tcUrl", Value: c.tcURL},
	}
	if publishes {
		about = append(about, amf.Property{Key: "type", Value: "nonprivate"})
	} else {
		about = append(about, amf.Property{Key: "fpad", Value: false}, amf.Property{Key: "capabilities", Value: 15.0},
			amf.Property{Key: "audioCodecs", Value: 4071.0}, amf.Property{Key: "videoCodecs", Value: 252.0},
			amf.Property{Key: "videoFunction", Value: 1.0})
	}
	b := chunk.AppendUint32Message(nil, chunk.TypeSetChunkSize, outChunkSize)
	if _, err := c.call(b, "connect", about); err != nil {
		return err
	}
	if publishes { // nothing comes of these, or an error that says nothing
		b = appendCommand(nil, controlStream, 0, "releaseStream", c.next(), nil, c.name)
		b = appendCommand(b, controlStream, 0, "FCPublish", c.next(), nil, c.name)
	} else {
		b = chunk.AppendUint32Message(nil, chunk.TypeWindowAckSize, windowSize)
	}
	result, err := c.call(b, "createStream", nil)
	if err != nil {
		return err
	}
	id, ok := 0.0, false
	if len(result.args) > 1 {
		id, ok = result.args[1].(float64)
	}
	if !ok || id < 1 || id > 1<<32-1 {
		return fmt.Errorf("%w: createStream has no stream", chunk.ErrProtocol)
	}
	c.stream = uint32(id)
	return nil
}

func (c *client) next() float64 {
	c.last++
	return c.last
}

// call sends a command behind other messages, and waits for its result.
func (c *client) call(before []byte, name string, args ...any) (command, error) {
	id := c.next()
	if err := c.write(appendCommand(before, controlStream, 0, name, id, args...)); err != nil {
		return command{}, err
	}
	for {
		m, err := c.read()
		if err != nil {
			return command{}, fmt.Errorf("rtmp: %s: %w", name, err)
		}
		answer, ok := commandOf(m)
		if !ok || answer.id != id {
			continue
		}
		switch answer.name {
		case "_result":
			return answer, nil
		case "_error":
			return answer, statusOf(name, answer)
		}
	}
}

// commandOf reads a message that is a command.
func commandOf(m chunk.Message) (c command, ok bool) {
	if m.Type != chunk.TypeCommandAMF0 && m.Type != chunk.TypeCommandAMF3 {
		return c, false
	}
	c, err := parseCommand(m)
	return c, err == nil
}

// statusOf is the status that an answer or an onStatus tells.
func statusOf(name string, c command) *StatusError {
	o := c.object(1)
	return &StatusError{Command: name, Code: o.String("code"), Description: o.String("description")}
}

// read returns the next message, and answers those that want it at once.
func (c *client) read() (chunk.Message, error) {
	for {
		m, err := c.reader.Next()
		if err != nil {
			return m, err
		}
		if n, due := c.reader.AckDue(); due {
			if err := c.write(chunk.AppendUint32Message(nil, chunk.TypeAcknowledgement, n)); err != nil {
				return m, err
			}
		}
		if of, recorded := eventOf(m, eventIsRecorded); recorded && of == c.stream {
			c.file = true
		}
		value, ping := pingOf(m)
		if !ping {
			return m, nil
		}
		if err := c.write(appendEvent(nil, eventPingResponse, value)); err != nil {
			return m, err
		}
	}
}

// write sends what is not media.
func (c *client) write(b []byte) error {
	if c.insert != nil {
		c.insert(b)
		return nil
	}
	if err := c.conn.SetWriteDeadline(time.Now().Add(c.cfg.DialTimeout)); err != nil {
		return err
	}
	_, err := c.conn.Write(b)
	if c.entry != nil {
		c.entry.Sent(len(b))
	}
	return err
}

// started waits until the server says that a stream has begun, with one of these codes, or refuses it. What comes before is for take,
// if that is not nil; media means that it has begun, too.
func (c *client) started(name string, take func(chunk.Message) error, codes ...string) error {
	for {
		m, err := c.read()
		if err != nil {
			return fmt.Errorf("rtmp: %s: %w", name, err)
		}
		if take != nil && (m.Type == chunk.TypeAudio || m.Type == chunk.TypeVideo || m.Type == chunk.TypeAggregate) {
			return take(m)
		}
		answer, ok := commandOf(m)
		if !ok || answer.name != "onStatus" && answer.name != "_error" {
			continue
		}
		status := statusOf(name, answer)
		for _, code := range codes {
			if status.Code == code {
				return nil
			}
		}
		if answer.object(1).String("level") == "error" {
			return status
		}
	}
}
