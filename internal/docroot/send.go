package docroot

import (
	"io"
	"io/fs"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"
)

const (
	// patience is how long a client may take for a stretch. Of a connection that was fast once, the system takes megabytes ahead,
	// and it takes the next only when a third of them have gone: less would cut off who is slow and reads all the same.
	patience = time.Minute
	// stretch is how many bytes are written at once.
	stretch = 64 << 10
)

// Send sends a file, or what the client wants of it: ranges, or nothing if it has it already. Content-Type must be set.
func Send(w *Writer, r *http.Request, file *os.File, info fs.FileInfo) {
	w.Header().Set("ETag", etag(info))
	SendMade(w, r, file, info.ModTime())
}

// SendMade sends what is made of files as Send sends a file. Content-Type and ETag must be set.
func SendMade(w *Writer, r *http.Request, content io.ReadSeeker, modified time.Time) {
	http.ServeContent(w, withRanges(r), "", modified, content)
}

// etag names a version of a file.
func etag(info fs.FileInfo) string {
	return `"` + strconv.FormatInt(info.ModTime().UnixNano(), 36) + "-" + strconv.FormatInt(info.Size(), 36) + `"`
}

// Writer is a ResponseWriter whose client has so long for each stretch of the reply, and as long as it needs for all of it.
type Writer struct {
	http.ResponseWriter
	sent     func(n int)
	patience time.Duration

	mu      sync.Mutex
	stopped bool
}

// NewWriter returns a Writer. sent, unless it is nil, is told how many bytes have gone.
func NewWriter(w http.ResponseWriter, sent func(n int)) *Writer {
	if sent == nil {
		sent = func(int) {}
	}
	return &Writer{ResponseWriter: w, sent: sent, patience: patience}
}

// Unwrap is for [http.ResponseController].
func (w *Writer) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Stop ends the reply at once, also where the client does not read. It must not be called when the request is over.
func (w *Writer) Stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stopped = true
	w.setDeadline(time.Now())
}

func (w *Writer) setDeadline(t time.Time) {
	_ = http.NewResponseController(w.ResponseWriter).SetWriteDeadline(t) // not every server can do that
}

// begin gives the client its time for the next stretch.
func (w *Writer) begin() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped {
		return os.ErrDeadlineExceeded
	}
	w.setDeadline(time.Now().Add(w.patience))
	return nil
}

// Write implements [io.Writer].
func (w *Writer) Write(b []byte) (written int, err error) {
	for len(b) > 0 {
		if err := w.begin(); err != nil {
			return written, err
		}
		n, err := w.ResponseWriter.Write(b[:min(len(b), stretch)])
		w.sent(n)
		written, b = written+n, b[n:]
		if err != nil {
			return written, err
		}
	}
	return written, nil
}

// ReadFrom implements [io.ReaderFrom], so that the system sends files by itself where it can.
func (w *Writer) ReadFrom(src io.Reader) (total int64, err error) {
	rest, ok := src.(*io.LimitedReader)
	if !ok {
		rest = &io.LimitedReader{R: src, N: 1<<63 - 1}
	}
	var buf []byte
	if _, ok := w.ResponseWriter.(io.ReaderFrom); !ok {
		buf = make([]byte, max(min(stretch, rest.N), 1))
	}
	for rest.N > 0 {
		if err := w.begin(); err != nil {
			return total, err
		}
		part := &io.LimitedReader{R: rest.R, N: min(rest.N, stretch)} // which the system sees through
		n, err := io.CopyBuffer(w.ResponseWriter, part, buf)
		w.sent(int(n))
		total += n
		rest.N -= n
		if err != nil || part.N > 0 { // or it is the end of the file
			return total, err
		}
	}
	return total, nil
}
