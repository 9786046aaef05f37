package manscdp

import (
	"bytes"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// text returns a body in UTF-8, without zeros behind it. Devices that declare GB2312 and write UTF-8 are as many as those that
// say nothing, so the bytes themselves are looked at.
func text(body []byte) string {
	body = bytes.TrimRight(body, "\x00")
	if isUTF8(body) {
		return string(body)
	}
	s, err := simplifiedchinese.GB18030.NewDecoder().Bytes(body)
	if err != nil {
		return string(body) // it cannot be: what is no GB18030 becomes a replacement character
	}
	return string(s)
}

// isUTF8 reports whether a text is UTF-8. Some words of GBK are so, too, by accident, but then all their characters have two
// bytes in UTF-8, where those of Chinese have three: of such a text the first line decides.
func isUTF8(body []byte) bool {
	two, more := false, false
	for rest := body; len(rest) > 0; {
		r, n := utf8.DecodeRune(rest)
		if r == utf8.RuneError && n == 1 {
			return false
		}
		two, more = two || n == 2, more || n > 2
		rest = rest[n:]
	}
	return more || !two || bytes.Contains(bytes.ToLower(body[:min(len(body), 64)]), []byte("utf-8"))
}

// gbk returns a text in GBK, with what that has not as references of XML.
func gbk(s string) ([]byte, error) {
	return encoding.HTMLEscapeUnsupported(simplifiedchinese.GBK.NewEncoder()).Bytes([]byte(s))
}
