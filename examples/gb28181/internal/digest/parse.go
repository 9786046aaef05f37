package digest

import "strings"

// maxHeader bounds what is read of a header, in bytes.
const maxHeader = 2048

// credentials are what an Authorization header says.
type credentials struct {
	username, realm, nonce, uri, response, algorithm, qop, nc, cnonce string
}

// parse reads a header; ok is false of one that has not what it takes, or is of another scheme or algorithm.
func parse(header string) (c credentials, ok bool) {
	scheme, rest, _ := strings.Cut(strings.TrimSpace(header), " ")
	if len(header) > maxHeader || !strings.EqualFold(scheme, "Digest") {
		return c, false
	}
	for rest = strings.Trim(rest, " ,\t"); rest != ""; rest = strings.TrimLeft(rest, " ,\t") {
		name, after, found := strings.Cut(rest, "=")
		if !found {
			return c, false
		}
		var value string
		value, rest, ok = cutValue(strings.TrimLeft(after, " "))
		if !ok {
			return c, false
		}
		if field := c.field(strings.ToLower(strings.TrimSpace(name))); field != nil {
			*field = value
		}
	}
	c.response = strings.ToLower(c.response)
	ok = c.username != "" && c.nonce != "" && c.uri != "" && len(c.response) == 32
	ok = ok && (c.algorithm == "" || strings.EqualFold(c.algorithm, "MD5"))
	return c, ok && (c.qop == "" || c.qop == "auth")
}

func (c *credentials) field(name string) *string {
	switch name {
	case "username":
		return &c.username
	case "realm":
		return &c.realm
	case "nonce":
		return &c.nonce
	case "uri":
		return &c.uri
	case "response":
		return &c.response
	case "algorithm":
		return &c.algorithm
	case "qop":
		return &c.qop
	case "nc":
		return &c.nc
	case "cnonce":
		return &c.cnonce
	}
	return nil
}

// cutValue returns what is in quotes in front of s, or the word there.
func cutValue(s string) (value, rest string, ok bool) {
	if !strings.HasPrefix(s, `"`) {
		i := strings.IndexAny(s, ", \t")
		if i < 0 {
			i = len(s)
		}
		return s[:i], s[i:], true
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return b.String(), s[i+1:], true
		case s[i] == '\\' && i+1 < len(s):
			i++
		}
		b.WriteByte(s[i])
	}
	return "", "", false
}
