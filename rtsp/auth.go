package rtsp

import (
	"context"
	"crypto/md5" //nolint:gosec // RFC 2617 says so
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/bluenviron/gortsplib/v4/pkg/base"
	"github.com/bluenviron/gortsplib/v4/pkg/headers"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/acceptor"
	"github.com/sluice-media/sluice/rtsp/internal/wire"
)

// auth is what a connection has had to prove.
type auth struct {
	asked bool
	realm string // "": nothing
	nonce string
	hopes bool // a login can succeed: the hook has named the realm
	done  bool
}

var errLogin = errors.New("rtsp: wrong user or password")

// authorize asks the hooks whether the client must prove who it is, and whether it has. It returns the response
// that challenges it or sends it away, or nil; authorized says that it has proved it, so that OnPlay is not to
// be asked.
func (x *session) authorize(r *wire.Request, t target) (res *wire.Response, authorized bool, err error) {
	info := x.entry.Info()
	info.Params = t.params
	if !x.auth.asked {
		err := x.while(func(ctx context.Context) (err error) {
			x.auth.realm, err = x.server.media.RTSPRealm(ctx, &hook.RTSPRealmEvent{Stream: t.key, Session: info})
			return err
		})
		x.auth.asked, x.auth.hopes = true, true
		if failed(err) {
			return x.undecided(t, err)
		}
		if err != nil {
			// No login can succeed, and the client hears no more than that it failed.
			x.auth.realm, x.auth.hopes = newNonce(), false
		}
	}
	if x.auth.realm == "" || x.auth.done {
		return nil, x.auth.done, nil
	}
	values := r.Header.Values("Authorization")
	if len(values) == 0 {
		return x.challenge(), false, nil
	}
	err = x.login(r.Method, values, t, info)
	if failed(err) {
		return x.undecided(t, err)
	}
	if err != nil {
		return x.challenge(), false, &acceptor.Refusal{Cause: &acceptor.StreamError{Op: "play", Stream: t.key.String(), Err: err}}
	}
	x.auth.done = true
	return nil, true, nil
}

// failed reports whether err is not a no, but says that nobody could decide.
func failed(err error) bool {
	_, denied := hook.Denied(err)
	return err != nil && !denied && !errors.Is(err, errLogin)
}

// undecided sends a client away about which nobody could decide.
func (x *session) undecided(t target, err error) (*wire.Response, bool, error) {
	res, err := x.refusePlay(t.key, err)
	return res, false, err
}

// challenge returns the response that asks who the client is (RFC 2617, 3.2.1).
func (x *session) challenge() *wire.Response {
	x.auth.nonce = newNonce()
	h := headers.Authenticate{Method: headers.AuthMethodDigest, Realm: x.auth.realm, Nonce: x.auth.nonce}
	if x.server.config().BasicAuth {
		h = headers.Authenticate{Method: headers.AuthMethodBasic, Realm: x.auth.realm}
	}
	res := &wire.Response{Code: wire.StatusUnauthorized}
	for _, v := range h.Marshal() {
		res.Header.Add("WWW-Authenticate", v)
	}
	return res
}

// login checks what a client proves with.
func (x *session) login(method string, values []string, t target, info hook.Session) error {
	var h headers.Authorization
	if err := h.Unmarshal(base.HeaderValue(values)); err != nil {
		return fmt.Errorf("%w: %w", errLogin, err)
	}
	basic := h.Method == headers.AuthMethodBasic
	if basic != x.server.config().BasicAuth || !x.auth.hopes {
		return errLogin
	}
	var reply hook.RTSPAuthReply
	err := x.while(func(ctx context.Context) (err error) {
		reply, err = x.server.media.RTSPAuth(ctx, &hook.RTSPAuthEvent{
			Stream: t.key, Session: info, UserName: h.Username, MustNoEncrypt: basic, Realm: x.auth.realm,
		})
		return err
	})
	if err != nil {
		return err
	}
	if basic && same(h.BasicPass, reply.Password) || !basic && x.digestFits(method, h, reply) {
		return nil
	}
	return errLogin
}

// digestFits checks a digest (RFC 2617, 3.2.2, without qop).
func (x *session) digestFits(method string, h headers.Authorization, reply hook.RTSPAuthReply) bool {
	if h.Realm != x.auth.realm || x.auth.nonce == "" || !same(h.Nonce, x.auth.nonce) ||
		h.Algorithm != nil && *h.Algorithm != headers.AuthAlgorithmMD5 {
		return false
	}
	ha1 := reply.Password
	if !reply.Encrypted {
		ha1 = md5Hex(h.Username + ":" + x.auth.realm + ":" + reply.Password)
	}
	return same(h.Response, md5Hex(ha1+":"+x.auth.nonce+":"+md5Hex(method+":"+h.URI)))
}

// same compares in a time that does not tell where the difference is.
func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

func md5Hex(s string) string {
	sum := md5.Sum([]byte(s)) //nolint:gosec // RFC 2617 says so
	return hex.EncodeToString(sum[:])
}

func newNonce() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}
