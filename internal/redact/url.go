package redact

import "strings"

// mask stands for what was taken out, as in (*net/url.URL).Redacted.
const mask = "xxxxx"

// URL returns a URL without its user and password, the values of its query, and its fragment. It takes any text, such
// as a URL that cannot be parsed, and rather takes out too much: what a query calls its token is anybody's choice, and a
// password may have characters in it that should have been escaped. The names of a query stay, a value without one goes.
func URL(text string) string {
	scheme, rest := cutScheme(text)
	rest = maskUser(rest)
	rest, _, fragment := strings.Cut(rest, "#")
	path, query, hasQuery := strings.Cut(rest, "?")
	out := scheme + path
	if hasQuery {
		out += "?" + maskQuery(query)
	}
	if fragment {
		out += "#" + mask
	}
	return out
}

// Text masks the URLs in a text, such as an error or a command line: the words that have a scheme.
func Text(text string) string {
	if !strings.Contains(text, "://") {
		return text
	}
	words := strings.Split(text, " ")
	for i, word := range words {
		if strings.Contains(word, "://") {
			words[i] = URL(word)
		}
	}
	return strings.Join(words, " ")
}

// cutScheme cuts a URL behind its scheme, or behind what makes it one without: "//".
func cutScheme(text string) (scheme, rest string) {
	for _, sep := range []string{"://", "//"} {
		if i := strings.Index(text, sep); i >= 0 && !strings.ContainsAny(text[:i], "/?#@") {
			return text[:i+len(sep)], text[i+len(sep):]
		}
	}
	return "", text
}

// maskUser masks what stands in front of the host.
func maskUser(rest string) string {
	authority := rest[:indexAny(rest, "/?#")]
	_, port, _ := strings.Cut(authority[strings.LastIndex(authority, "]")+1:], ":") // in brackets there are other colons
	if !strings.Contains(authority, "@") && isNumber(port) {
		return rest
	}
	// A password may have a slash in it, or a question mark: the last @ counts.
	end := strings.LastIndex(rest[:indexAny(rest, "?#")], "@")
	if end < 0 {
		end = strings.LastIndex(rest, "@")
	}
	if end < 0 {
		return mask + rest[len(authority):]
	}
	return mask + rest[end:]
}

// maskQuery masks the values of a query.
func maskQuery(query string) string {
	var b strings.Builder
	for query != "" {
		end := indexAny(query, "&;")
		// RTSP clients put the control of a track behind the query: the value then stands where a name would.
		if name, _, ok := strings.Cut(query[:end], "="); ok && !strings.Contains(name, "/") {
			b.WriteString(name + "=")
		}
		if end > 0 {
			b.WriteString(mask)
		}
		if end == len(query) {
			break
		}
		b.WriteByte(query[end])
		query = query[end+1:]
	}
	return b.String()
}

// indexAny is where the first of some characters is, or the length of s.
func indexAny(s, chars string) int {
	if i := strings.IndexAny(s, chars); i >= 0 {
		return i
	}
	return len(s)
}

func isNumber(s string) bool { return strings.Trim(s, "0123456789") == "" }
