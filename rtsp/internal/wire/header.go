package wire

import "strings"

// Field is a line of a header.
type Field struct {
	Name, Value string
}

// Header is the lines of a header, in order.
type Header []Field

// Get returns the value of the first field of a name, whatever its case, or "".
func (h Header) Get(name string) string {
	for _, f := range h {
		if strings.EqualFold(f.Name, name) {
			return f.Value
		}
	}
	return ""
}

// Has reports whether there is a field of a name.
func (h Header) Has(name string) bool {
	for _, f := range h {
		if strings.EqualFold(f.Name, name) {
			return true
		}
	}
	return false
}

// Values returns the values of all fields of a name.
func (h Header) Values(name string) []string {
	var list []string
	for _, f := range h {
		if strings.EqualFold(f.Name, name) {
			list = append(list, f.Value)
		}
	}
	return list
}

// Add adds a field. Line ends in the value, which would begin another, become spaces.
func (h *Header) Add(name, value string) {
	*h = append(*h, Field{name, strings.Map(oneLine, value)})
}

func oneLine(r rune) rune {
	if r == '\r' || r == '\n' {
		return ' '
	}
	return r
}
