package redact

import "strings"

// cutUser masks what stands in front of the host, and a host whose port is none; it returns what follows. A password may
// have a slash in it, or a question mark: the last @ counts. Behind a number, the question mark is believed.
func cutUser(b *strings.Builder, s string) string {
	authority := s[:indexAny(s, "/?#")]
	if port, ok := portOf(authority); ok || strings.Contains(authority, "@") {
		end := strings.LastIndex(s[:indexAny(s, "?#")], "@")
		if end < 0 && !isPort(port) {
			end = strings.LastIndex(s, "@")
		}
		if end >= 0 {
			b.WriteString(mask + "@")
			s = s[end+1:]
		}
	}
	authority = s[:indexAny(s, "/?#")]
	if port, ok := portOf(authority); ok && !isPort(port) {
		b.WriteString(mask)
		return s[len(authority):]
	}
	return s
}

// portOf returns what follows the first colon of an authority; there are others in brackets.
func portOf(authority string) (port string, ok bool) {
	_, port, ok = strings.Cut(authority[strings.LastIndex(authority, "]")+1:], ":")
	return port, ok
}

// isPort reports whether s may be a port.
func isPort(s string) bool { return len(s) <= len("65535") && isNumber(s) }

func isNumber(s string) bool { return strings.Trim(s, "0123456789") == "" }
