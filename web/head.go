package web

// headBuffer is what a reply's head is written to.
type headBuffer struct{ b []byte }

// Write implements io.Writer.
func (h *headBuffer) Write(b []byte) (int, error) {
	h.b = append(h.b, b...)
	return len(b), nil
}

// WriteString implements io.StringWriter.
func (h *headBuffer) WriteString(s string) (int, error) {
	h.b = append(h.b, s...)
	return len(s), nil
}
