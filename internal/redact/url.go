package redact

import "strings"

const (
	// mask stands for what was taken out, as in (*net/url.URL).Redacted.
	mask = "xxxxx"
	// maxLength bounds what is left of a URL, in bytes.
	maxLength = 512
)

// URL returns a URL without its user and password, the values of its parameters, and its fragment; what is longer than
// 512 bytes is cut off. It takes any text, such as a URL that cannot be parsed, and rather takes out too much: what a
// query calls its token is anybody's choice, and a password may have characters in it that should have been escaped. The
// names of parameters stay; what has no name or no value, or a name that may be a token, goes.
func URL(text string) string {
	var b strings.Builder
	scheme, rest := cutScheme(text)
	b.WriteString(scheme)
	rest = cutUser(&b, rest)
	path := rest[:pathLength(rest)]
	writePath(&b, path)
	writeQuery(&b, rest[len(path):])
	return shorten(b.String())
}

// Text masks the URLs in a text, such as an error or a command line: the words that have a scheme.
func Text(text string) string {
	if !strings.Contains(text, "://") {
		return text
	}
	var b strings.Builder
	for text != "" {
		word := text
		if i := strings.IndexAny(text, " \t\r\n"); i >= 0 {
			word = text[:max(i, 1)] // or what is between words
		}
		text = text[len(word):]
		if strings.Contains(word, "://") {
			word = URL(word)
		}
		b.WriteString(word)
	}
	return b.String()
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

// pathLength is where the query or the fragment begins. The question mark may be escaped.
func pathLength(s string) int {
	for i := range len(s) {
		if s[i] == '?' || s[i] == '#' || isEscapedMark(s[i:]) {
			return i
		}
	}
	return len(s)
}

const escapedMark = "%3F"

func isEscapedMark(s string) bool {
	return len(s) >= len(escapedMark) && strings.EqualFold(s[:len(escapedMark)], escapedMark)
}

// indexAny is where the first of some characters is, or the length of s.
func indexAny(s, chars string) int {
	if i := strings.IndexAny(s, chars); i >= 0 {
		return i
	}
	return len(s)
}

func shorten(s string) string {
	if len(s) <= maxLength {
		return s
	}
	return strings.ToValidUTF8(s[:maxLength], "") + "…"
}
