package redact

import "strings"

// writePath writes a path. Some cameras have parameters in it; such as trackID=0 may stay.
func writePath(b *strings.Builder, path string) {
	for i, segment := range strings.Split(path, "/") {
		if i > 0 {
			b.WriteByte('/')
		}
		name, value, ok := strings.Cut(segment, "=")
		harmless := isName(name) && value != "" && len(value) <= 2 && isNumber(value)
		if !ok || harmless {
			b.WriteString(segment)
			continue
		}
		writeParameters(b, segment)
	}
}

// writeQuery writes a query with its question mark, or a fragment, in which there is nothing to be read.
func writeQuery(b *strings.Builder, query string) {
	switch {
	case query == "":
		return
	case query[0] == '#':
		b.WriteString("#" + mask)
		return
	case isEscapedMark(query):
		query = query[len(escapedMark)-1:]
	}
	b.WriteByte('?')
	query, _, fragment := strings.Cut(query[1:], "#")
	writeParameters(b, query)
	if fragment {
		b.WriteString("#" + mask)
	}
}

// writeParameters writes parameters without their values.
func writeParameters(b *strings.Builder, s string) {
	for s != "" {
		end := indexAny(s, "&;")
		name, value, _ := strings.Cut(s[:end], "=")
		if isName(name) && strings.Trim(value, "=") != "" { // else it may be a token in base64
			b.WriteString(name + "=")
		}
		if end > 0 {
			b.WriteString(mask)
		}
		if end == len(s) {
			return
		}
		b.WriteByte(s[end])
		s = s[end+1:]
	}
}

// isName reports whether s looks like the name of a parameter, and not like a token, or one that the control of a track
// follows, as RTSP clients put it behind the query.
func isName(s string) bool {
	return s != "" && len(s) < 32 && strings.IndexFunc(s, func(c rune) bool {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		return !letter && !strings.ContainsRune("_-.[]", c)
	}) < 0
}
