package api

import (
	"crypto/hmac"
	"crypto/md5" //nolint:gosec // the contract's
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"maps"
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
// everybody can ask for one. Those that were answered are kept as long as they would be good.
type logins struct {
	mu   sync.Mutex
	key  [32]byte
	ids  map[string]proof
	used map[string]time.Time // challenges, and when they end
}

// proof is what somebody has proved to know, and how long that holds.
type proof struct {
	secret [sha256.Size]byte // its hash
	end    time.Time
}

func newLogins() *logins {
	l := &logins{ids: map[string]proof{}, used: map[string]time.Time{}}
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
	l.mu.Lock()
	defer l.mu.Unlock()
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

// use takes a challenge that was answered, and reports whether it is the first time. When so many were answered within
// their life that they are not to be remembered, all that are under way are void.
func (l *logins) use(challenge string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	maps.DeleteFunc(l.used, func(_ string, end time.Time) bool { return now.After(end) })
	if _, again := l.used[challenge]; again {
		return false
	}
	if len(l.used) == maxLogins {
		clear(l.used)
		_, _ = rand.Read(l.key[:])
		return true
	}
	l.used[challenge] = now.Add(challengeLife)
	return true
}

// valid reports whether a request comes from someone who has logged in, with the secret that holds today.
func (l *logins) valid(r *http.Request, secret string) bool {
	cookie, err := r.Cookie(loginCookie)
	if err != nil {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	p, ok := l.ids[cookie.Value]
	return ok && time.Now().Before(p.end) && p.secret == sha256.Sum256([]byte(secret))
}

// begin makes a login. When there are too many, the one that ends first goes.
func (l *logins) begin(secret string) string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	id, now := hex.EncodeToString(b[:]), time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	oldest := ""
	for other, p := range l.ids {
		if now.After(p.end) {
			delete(l.ids, other)
		} else if oldest == "" || p.end.Before(l.ids[oldest].end) {
			oldest = other
		}
	}
	if len(l.ids) >= maxLogins {
		delete(l.ids, oldest)
	}
	l.ids[id] = proof{sha256.Sum256([]byte(secret)), now.Add(loginLife)}
	return id
}

// end ends a login, and reports whether there was one.
func (l *logins) end(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, ok := l.ids[id]
	delete(l.ids, id)
	return ok
}

// challenge refuses a call, with the cookie that a login needs.
func (h *Handler) challenge(c *call, msg string) error {
	text := h.logins.newChallenge()
	h.setCookie(c, challengeCookie, text, challengeLife)
	return &Error{Code: codeAuth, Msg: msg, extra: reply{"cookie": text}}
}

func (h *Handler) setCookie(c *call, name, value string, life time.Duration) {
	secure := h.options().proxies().Scheme(c.request) == "https"
	http.SetCookie(c.writer, &http.Cookie{
		Name: name, Value: value, Path: "/", Expires: time.Now().Add(life),
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: secure,
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
	if !sameSecret(strings.ToLower(c.args.get("digest")), hex.EncodeToString(sum[:])) || !h.logins.use(cookie.Value) {
		h.logCaller(&h.wrong, "api: wrong secret", c)
		return nil, h.challenge(c, "Digest does not match, incorrect secret?")
	}
	h.setCookie(c, loginCookie, h.logins.begin(secret), loginLife)
	return reply{}, nil
}

// logout ends one. Without one it says so, but is no failure: the caller is out.
func (h *Handler) logout(c *call) (reply, error) {
	out := reply{}
	cookie, err := c.request.Cookie(loginCookie)
	if err == nil {
		h.setCookie(c, loginCookie, "", -time.Hour)
	}
	if err != nil || !h.logins.end(cookie.Value) {
		out["msg"] = "you were not logged in"
	}
	text := h.logins.newChallenge()
	h.setCookie(c, challengeCookie, text, challengeLife)
	out["cookie"] = text
	return out, nil
}
