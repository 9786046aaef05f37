package lab

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-media/sluice/bench/internal/proc"
	"github.com/sluice-media/sluice/bench/internal/wire"
)

// OpenRTP opens ports for n streams, by openRtpServer of the API. What it takes to play them is Streams in a Load.
func (s *Server) OpenRTP(ctx context.Context, n int) (ports []int, err error) {
	for i := range n {
		stream := wire.Numbered(&url.URL{Path: streamPath}, i).Path
		var answer struct{ Port int }
		query := url.Values{"app": {"live"}, "stream_id": {stream[len("/live/"):]}, "port": {"0"}}
		if err := s.call(ctx, "openRtpServer", query, &answer); err != nil {
			return nil, err
		}
		ports = append(ports, answer.Port)
	}
	return ports, nil
}

// Dropped returns how many datagrams the sockets of ports had no room for so far.
func (s *Server) Dropped(ports []int) (int, error) { return proc.Dropped(s.PID(), ports) }

// call calls the API, and reads what it answers beside its code into answer.
func (s *Server) call(ctx context.Context, name string, query url.Values, answer any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.http+"/index/api/"+name+"?"+query.Encode(), nil)
	if err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		return fmt.Errorf("lab: %w", err)
	}
	defer reply.Body.Close()
	var raw json.RawMessage
	if err := json.NewDecoder(reply.Body).Decode(&raw); err != nil {
		return fmt.Errorf("lab: the reply to %s: %w", name, err)
	}
	var head struct {
		Code int
		Msg  string
	}
	if err := json.Unmarshal(raw, &head); err != nil || head.Code != 0 {
		return fmt.Errorf("lab: %s: %d %s", name, head.Code, head.Msg)
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(raw, answer)
}

// SendRTP sends the clip as many streams of RTP, each to a port of this machine.
func (l *Lab) SendRTP(ctx context.Context, ports []int) (*Publisher, error) {
	list := make([]string, 0, len(ports))
	for _, port := range ports {
		list = append(list, strconv.Itoa(port))
	}
	return l.publishers(ctx, "-proto", "rtp", "-url", "rtp://127.0.0.1", "-n", strconv.Itoa(len(ports)), "-ports", strings.Join(list, ","))
}

// publishers runs the program that publishes many streams, and returns once all are set up.
func (l *Lab) publishers(ctx context.Context, args ...string) (*Publisher, error) {
	p, err := start(ctx, l.Dir, append([]string{l.program("publishers"), "-clip", l.Clip}, args...)...)
	if err != nil {
		return nil, err
	}
	if err := p.says(ctx, "publishing", time.Now().Add(publishLimit)); err != nil {
		p.stop()
		return nil, err
	}
	return &Publisher{p}, nil
}

// PID returns the publisher's process id.
func (p *Publisher) PID() int { return p.proc.pid() }
