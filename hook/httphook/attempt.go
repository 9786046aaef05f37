package httphook

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// message is an event on its way.
type message struct {
	event string
	vhost string // empty if the body has none
	id    string // of what comes from the outbox
	body  []byte // an object that is still open
}

// maxRedirects bounds how often a backend may send a request elsewhere on its host.
const maxRedirects = 3

// attempt posts a message once.
func (h *Hook) attempt(ctx context.Context, s *settings, m message) (reply, error) {
	ctx, cancel := context.WithTimeout(ctx, s.Timeout)
	defer cancel()
	body := strconv.AppendUint(append(bytes.Clone(m.body), `,"hook_index":`...), h.index.Add(1)-1, 10)
	body = append(body, '}')
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URLs[m.event], bytes.NewReader(body))
	if err != nil {
		return nil, networkError(err)
	}
	s.setHeader(r, m, body)
	res, err := s.client.Do(r)
	if err != nil {
		return nil, networkError(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, &Error{ClassStatus, errors.New(strconv.Itoa(res.StatusCode))}
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, maxReply+1))
	if err != nil {
		return nil, networkError(err)
	}
	return parseReply(text)
}

func (s *settings) setHeader(r *http.Request, m message, body []byte) {
	head := r.Header
	head.Set("Content-Type", "application/json")
	head.Set("Accept", "*/*")
	head.Set("Accept-Language", "zh-CN,zh;q=0.8")
	head.Set("Connection", "keep-alive")
	head.Set("User-Agent", s.UserAgent)
	if m.vhost != "" {
		head["X-VHOST"] = []string{m.vhost} // as it is spelt there
	}
	if m.id != "" {
		head.Set(EventIDHeader, m.id)
	}
	// With a nil value it is not sent, but lets net/http repeat the request when it finds a reused connection closed.
	head["Idempotency-Key"] = nil
	sign(head, body, s.Key, time.Now())
}

func newClientOf(t http.RoundTripper) *http.Client {
	return &http.Client{Transport: t, CheckRedirect: checkRedirect}
}

// checkRedirect follows a redirect that repeats the request on the same host. Any other is the answer, which does not
// count.
func checkRedirect(r *http.Request, via []*http.Request) error {
	from := via[0].URL
	weaker := from.Scheme == "https" && r.URL.Scheme != "https"
	if r.Method != http.MethodPost || len(via) > maxRedirects || weaker || !sameHost(from, r.URL) {
		return http.ErrUseLastResponse
	}
	return nil
}

func sameHost(a, b *url.URL) bool { return a.Hostname() == b.Hostname() }

func tlsConfig(insecure bool) *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: insecure} //nolint:gosec // the user wants it
}
