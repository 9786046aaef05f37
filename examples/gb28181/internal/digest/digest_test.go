package digest

import (
	"strings"
	"testing"
	"time"

	"github.com/icholy/digest"
	"github.com/stretchr/testify/require"
)

const (
	user  = "34020000001320000001"
	realm = "3402000000"
)

// answer is what an independent client makes of a challenge.
func answer(t testing.TB, challenge, method, name, password string) string {
	t.Helper()
	c, err := digest.ParseChallenge(challenge)
	require.NoError(t, err)
	x, err := digest.Digest(c, digest.Options{
		Method: method, URI: "sip:34020000002000000001@3402000000", Username: name, Password: password,
	})
	require.NoError(t, err)
	return x.String()
}

func TestCheck(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	v := New(realm, time.Minute)
	challenge := v.Challenge(user, now, false)
	good := answer(t, challenge, "REGISTER", user, "secret")
	serial, err := v.Check("REGISTER", good, user, "secret", 0, now.Add(59*time.Second))
	require.NoError(t, err)
	require.Equal(t, uint64(1), serial)

	_, err = v.Check("REGISTER", good, user, "secret", serial, now)
	require.ErrorIs(t, err, ErrStale, "it has been used")
	_, err = v.Check("REGISTER", good, user, "secret", 0, now.Add(61*time.Second))
	require.ErrorIs(t, err, ErrStale, "it is old")
	_, err = v.Check("REGISTER", good, user, "secret", 0, now.Add(-time.Second))
	require.ErrorIs(t, err, ErrStale, "it is of the future")
	_, err = New(realm, 0).Check("REGISTER", good, user, "secret", 0, now)
	require.ErrorIs(t, err, ErrStale, "it is not ours")
	_, err = v.Check("REGISTER", good, user, "other", 0, now)
	require.ErrorIs(t, err, ErrDenied)
	_, err = v.Check("MESSAGE", good, user, "secret", 0, now)
	require.ErrorIs(t, err, ErrDenied)
	_, err = v.Check("REGISTER", good, "somebody", "secret", 0, now)
	require.ErrorIs(t, err, ErrDenied)
	// A nonce is good for the device that it was made for.
	_, err = v.Check("REGISTER", answer(t, challenge, "REGISTER", "somebody", "secret"), "somebody", "secret", 0, now)
	require.ErrorIs(t, err, ErrStale)

	again := v.Challenge(user, now, true)
	require.Contains(t, again, "stale=true")
	withQOP := answer(t, again+`, qop="auth"`, "REGISTER", user, "secret")
	require.Contains(t, withQOP, "cnonce")
	serial, err = v.Check("REGISTER", withQOP, user, "secret", serial, now)
	require.NoError(t, err)
	require.Equal(t, uint64(2), serial)
}

func TestMalformed(t *testing.T) {
	now := time.Now()
	v := New(realm, 0)
	good := answer(t, v.Challenge(user, now, false), "REGISTER", user, "secret")
	for name, bad := range map[string]string{
		"empty":             "",
		"another scheme":    "Basic eDp5",
		"another algorithm": strings.Replace(good, "MD5", "SHA-256", 1),
		"no nonce":          strings.Replace(good, "nonce", "once", 1),
		"open quotes":       `Digest username="x`,
		"no value":          "Digest username",
		"long":              good + strings.Repeat(" ", maxHeader),
	} {
		_, err := v.Check("REGISTER", bad, user, "secret", 0, now)
		require.ErrorIs(t, err, ErrMalformed, name)
	}
	_, err := v.Check("REGISTER", strings.Replace(good, `username="`, `username="\`, 1), user, "secret", 0, now)
	require.NoError(t, err)
}

func FuzzCheck(f *testing.F) {
	now := time.Now()
	v := New(realm, 0)
	f.Add(answer(f, v.Challenge(user, now, false), "REGISTER", user, "secret"))
	f.Add(`Digest username="\",a=b, c = "d" ,response=`)
	f.Fuzz(func(t *testing.T, header string) {
		_, err := v.Check("REGISTER", header, user, "another", 0, now)
		require.Error(t, err)
	})
}
