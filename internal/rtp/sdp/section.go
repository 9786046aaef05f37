package sdp

import (
	"strings"
)

// attribute is an a= line (RFC 8866, 5.13), its key in lower case.
type attribute struct {
	key, value string
}

// section is a media section, or what comes before the first one.
type section struct {
	line  string // what follows m=
	attrs []attribute
}

// split takes a description apart. It returns at most maxMedia media sections; total is how many there are.
func split(b []byte) (head section, sections []section, total int) {
	at := &head
	for line := range strings.FieldsFuncSeq(string(b), endsLine) {
		typ, value := cutLine(line)
		switch typ {
		case "m":
			at = &section{} // what belongs to a section too many goes nowhere
			if total++; total <= maxMedia {
				sections = append(sections, section{line: value})
				at = &sections[total-1]
			}
		case "a":
			at.attrs = append(at.attrs, newAttribute(value))
		}
	}
	return head, sections, total
}

// endsLine takes every kind of line ending, and the NUL that some C programs send along.
func endsLine(r rune) bool { return r == '\r' || r == '\n' || r == 0 }

// cutLine returns the type of a line in lower case and its value, or nothing if it has not that form.
func cutLine(line string) (typ, value string) {
	typ, value, ok := strings.Cut(line, "=")
	typ = strings.ToLower(strings.TrimSpace(strings.TrimPrefix(typ, "\ufeff")))
	if !ok || len(typ) != 1 {
		return "", ""
	}
	return typ, strings.TrimSpace(printable(value))
}

// printable returns s without control characters, as attributes end up in requests and in the log. Other bytes
// stay, even if they are not UTF-8: a control URL must be sent as it was told.
func printable(s string) string {
	control := func(c byte) bool { return c < ' ' && c != '\t' || c == 0x7f }
	for i := range len(s) {
		if control(s[i]) {
			b := []byte(s[:i])
			for ; i < len(s); i++ {
				if !control(s[i]) {
					b = append(b, s[i])
				}
			}
			return string(b)
		}
	}
	return s
}

// newAttribute reads key:value. Some write a space instead of the colon, or around it.
func newAttribute(s string) attribute {
	end := strings.IndexAny(s, ": \t")
	if end < 0 {
		return attribute{key: strings.ToLower(s)}
	}
	value := strings.TrimSpace(s[end:])
	return attribute{strings.ToLower(s[:end]), strings.TrimSpace(strings.TrimPrefix(value, ":"))}
}

// first returns the value of the first attribute with a key, or "".
func (s section) first(key string) string {
	for _, a := range s.attrs {
		if a.key == key {
			return a.value
		}
	}
	return ""
}

func (s section) has(key string) bool {
	for _, a := range s.attrs {
		if a.key == key {
			return true
		}
	}
	return false
}

// of yields what attributes with a key say of a payload type.
func (s section) of(key string, payloadType uint8) []string {
	var list []string
	for _, a := range s.attrs {
		if a.key != key {
			continue
		}
		if pt, rest, ok := cutPayloadType(a.value); ok && pt == payloadType {
			list = append(list, rest)
		}
	}
	return list
}

// cutPayloadType reads the payload type at the start of a value. No separator need follow.
func cutPayloadType(s string) (pt uint8, rest string, ok bool) {
	end, n := 0, 0
	for end < len(s) && s[end] >= '0' && s[end] <= '9' {
		if n = 10*n + int(s[end]-'0'); n > 127 {
			return 0, "", false
		}
		end++
	}
	return uint8(n), strings.TrimSpace(s[end:]), end > 0
}
