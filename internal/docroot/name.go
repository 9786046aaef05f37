package docroot

import (
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxPath bounds the path of a URL, in bytes: systems have no longer ones.
const maxPath = 4 << 10

// Clean is the path of a URL as the contract has it: backslashes are slashes, and what leads out of the root is the root.
// It begins with a slash, and ends with one if the path does; ok is false for what nothing can have as its name.
func Clean(urlPath string) (clean string, ok bool) {
	if len(urlPath) > maxPath || !isText(urlPath) {
		return "/", false
	}
	urlPath = strings.ReplaceAll(urlPath, `\`, "/")
	depth := 0
	for part := range strings.SplitSeq(urlPath, "/") {
		switch part {
		case "", ".":
		case "..":
			if depth--; depth < 0 {
				return "/", true
			}
		default:
			depth++
		}
	}
	clean = path.Clean("/" + urlPath)
	if clean != "/" && (strings.HasSuffix(urlPath, "/") || strings.HasSuffix(urlPath, "/.") || strings.HasSuffix(urlPath, "/..")) {
		clean += "/"
	}
	return clean, true
}

// Shown reports whether a file or folder of this name may be seen: not a hidden one, and not one that a URL, or who reads
// the log, would take for something else.
func Shown(name string) bool {
	return name != "" && name[0] != '.' && !strings.ContainsAny(name, `/\`) && isText(name)
}

// isText reports whether a text has nothing in it that cannot be shown.
func isText(s string) bool { return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl) }
