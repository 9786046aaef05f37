package api

import (
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // the contract's
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"net/http"
	"strings"
	"sync"
	"time"
)

// The cookies of the two steps of a login, and how long they last.
const (
	challengeCookie = "ZLM_UNLOGIN"
	loginCookie     = "ZLM_LOGINED"
	challengeLife   = time.Minute
	loginLife       = 24 * time.Hour
	maxLogins       = 1024
)

// logins are those who have proved to know the secret, and the challenges. A challenge is signed rather than kept:
// everybody can ask for one.
type logins struct {
	key [32]byte

	mu  sync.Mutex
	ids map[string]time.Time // when they end
}

func newLogins() *logins {
	l := &logins{ids: map[string]time.Time{}}
	_, _ = rand.Read(l.key[:]) // never fails
	return l
}

// newChallenge is 32 hexadecimal digits: the time, chance and a signature of both.
func (l *logins) newChallenge() string {
	var b [16]byte
	binary.BigEndian.PutUint32(b[:], uint32(time.Now().Unix()))
	_, _ = rand.Read(b[4:8])
	copy(b[8:], l.sign(b[:8]))
	return hex.EncodeToString(b[:])
}

func (l *logins) sign(b []byte) []byte {
	mac := hmac.New(sha256.New, l.key[:])
	mac.Write(b)
	return mac.Sum(nil)
}

// isChallenge reports whether text is a challenge of ours that is not too old.
func (l *logins) isChallenge(text string) bool {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != 16 || !hmac.Equal(b[8:], l.sign(b[:8])[:8]) {
		return false
	}
	return time.Since(time.Unix(int64(binary.BigEndian.Uint32(b)), 0)) <= challengeLife
}

// valid reports whether a request comes from someone who has logged in.
func (l *logins) valid(r *http.Request) bool {
	cookie, err := r.Cookie(loginCookie)
	if err != nil {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	end, ok := l.ids[cookie.Value]
	return ok && time.Now().Before(end)
}

// begin makes a login. When there are too many, the one that ends first goes.
func (l *logins) begin() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	id, now := hex.EncodeToString(b[:]), time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	oldest := ""
	for other, end := range l.ids {
		if now.After(end) {
			delete(l.ids, other)
		} else if oldest == "" || end.Before(l.ids[oldest]) {
			oldest = other
		}
	}
	if len(l.ids) >= maxLogins {
		delete(l.ids, oldest)
	}
	l.ids[id] = now.Add(loginLife)
	return id
}

func (l *logins) end(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.ids, id)
}

// challenge refuses a call, with the cookie that a login needs.
func (h *Handler) challenge(c *call, msg string) error {
	text := h.logins.newChallenge()
	setCookie(c, challengeCookie, text, challengeLife)
	return &Error{Code: codeAuth, Msg: msg, extra: reply{"cookie": text}}
}

func setCookie(c *call, name, value string, life time.Duration) {
	http.SetCookie(c.writer, &http.Cookie{
		Name: name, Value: value, Path: "/", Expires: time.Now().Add(life),
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: c.request.TLS != nil,
	})
}

// login begins a login: digest is the MD5 of "zlmediakit:", the secret, ":" and the challenge.
func (h *Handler) login(c *call) (reply, error) {
	secret := h.options().Secret
	cookie, err := c.request.Cookie(challengeCookie)
	if err != nil || secret == "" || !h.logins.isChallenge(cookie.Value) {
		return nil, h.challenge(c, "Digest does not match, incorrect secret?")
	}
	sum := md5.Sum([]byte("zlmediakit:" + secret + ":" + cookie.Value)) //nolint:gosec // the contract's
	if !sameSecret(strings.ToLower(c.args.get("digest")), hex.EncodeToString(sum[:])) {
		return nil, h.challenge(c, "Digest does not match, incorrect secret?")
	}
	setCookie(c, loginCookie, h.logins.begin(), loginLife)
	return reply{}, nil
}

// logout ends one.
func (h *Handler) logout(c *call) (reply, error) {
	if cookie, err := c.request.Cookie(loginCookie); err == nil {
		h.logins.end(cookie.Value)
		setCookie(c, loginCookie, "", -time.Hour)
	}
	text := h.logins.newChallenge()
	setCookie(c, challengeCookie, text, challengeLife)
	return reply{"cookie": text}, nil
}
