package web

import (
	"bufio"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/sluice-media/sluice/internal/docroot"
)

// list shows what is in a folder.
func (q *request) list(w *docroot.Writer, folder *docroot.Folder) error {
	entries, more, err := folder.List(q.at.name)
	if err != nil {
		return err
	}
	slices.SortFunc(entries, func(a, b docroot.Entry) int { return strings.Compare(escape(a.Name), escape(b.Name)) })
	head := w.Header()
	head.Set("Content-Type", "text/html; charset=utf-8")
	head.Set("Content-Security-Policy", "default-src 'none'")
	if q.Method == http.MethodHead {
		return nil
	}
	b := bufio.NewWriter(w)
	title := html.EscapeString(q.at.path)
	fmt.Fprintf(b, "<!doctype html><meta charset=\"utf-8\"><title>%s</title><h1>%s</h1>\n<ul>\n", title, title)
	base := "./"
	if q.at.path != "/" {
		here := ""
		if !strings.HasSuffix(q.at.path, "/") { // links are of the folder above
			here = escape(path.Base(q.at.path)) + "/"
			base += here
		}
		depth := strings.Count(strings.Trim(q.at.path, "/"), "/") + 1
		link(b, "./"+here+strings.Repeat("../", depth), "root", "")
		link(b, "./"+here+"../", "../", "")
	}
	for _, e := range entries {
		if e.IsDir {
			link(b, base+escape(e.Name)+"/", e.Name+"/", "")
		} else {
			link(b, base+escape(e.Name), e.Name, size(e.Size))
		}
	}
	fmt.Fprint(b, "</ul>\n")
	if more {
		fmt.Fprintf(b, "<p>There is more than the %d entries that were looked at.\n", docroot.MaxEntries)
	}
	_ = b.Flush() // the client may have left
	return nil
}

func link(b *bufio.Writer, to, text, size string) {
	fmt.Fprintf(b, "<li><a href=\"%s\">%s</a> %s\n", html.EscapeString(to), html.EscapeString(text), size)
}

// escape is a name as a segment of a URL.
func escape(name string) string { return url.PathEscape(name) }

// size is a number of bytes for people.
func size(n int64) string {
	if n < 1<<10 {
		return fmt.Sprintf("%d B", n)
	}
	f, unit := float64(n)/(1<<10), 0
	for f >= 1<<10 && unit < 3 {
		f, unit = f/(1<<10), unit+1
	}
	return fmt.Sprintf("%.1f %ciB", f, "KMGT"[unit])
}
