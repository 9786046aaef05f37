package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/internal/docroot"
	"github.com/sluice-media/sluice/internal/forwarded"
)

// What downloads are refused with, in the words of the original.
const (
	errParent  = downloadError("You can not access parent directory")
	errOutside = downloadError("You can not download files outside the root directory")
	errNobody  = downloadError("None http access event listener")
)

// downloadError is what a client is told that may not have a file.
type downloadError string

// Error implements error.
func (e downloadError) Error() string { return string(e) }

// downloadFile answers with a file below one of the directories that the options name, to who may call or whom the hooks let
// have it.
func (h *Handler) downloadFile(c *call) (reply, error) {
	roots := h.options().Downloads
	if len(roots) == 0 {
		return nil, c.errNotEnabled()
	}
	c.written = true
	root, name, err := findDownload(roots, c.args.get("file_path"))
	if err == nil && c.asking {
		err = h.askDownload(c, filepath.Join(root, name))
	}
	if err != nil {
		refuseDownload(c.writer, err)
		return nil, nil
	}
	h.sendFile(c, root, filepath.ToSlash(name))
	return nil, nil
}

// findDownload returns where a file is.
func findDownload(roots []string, path string) (root, name string, err error) {
	if slices.Contains(strings.FieldsFunc(path, func(r rune) bool { return r == '/' || r == '\\' }), "..") {
		return "", "", errParent
	}
	for _, root := range roots {
		if name, ok := below(root, path); ok {
			root, err := filepath.Abs(root)
			return root, name, err
		}
	}
	return "", "", errOutside
}

// below is the name that a path has in a directory, if it is in there.
func below(root, path string) (name string, ok bool) {
	root, err1 := filepath.Abs(root)
	path, err2 := filepath.Abs(path)
	if err1 != nil || err2 != nil {
		return "", false
	}
	name, err := filepath.Rel(root, path)
	return name, err == nil && filepath.IsLocal(name)
}

// askDownload asks the hooks about a file.
func (h *Handler) askDownload(c *call, path string) error {
	r := c.request
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	protocol := "http"
	if r.TLS != nil {
		protocol = "https"
	}
	entry := h.media.NewSession(hook.Session{
		Protocol: protocol, Params: r.URL.RawQuery,
		Remote: netip.AddrPortFrom(h.options().proxies().Client(r), forwarded.Peer(r).Port()),
	}, func(error) { cancel() })
	defer entry.Close()
	header := r.Header.Clone()
	header.Set("Host", r.Host) // which net/http takes out
	control := http.NewResponseController(c.writer)
	_ = control.SetWriteDeadline(time.Time{}) // hooks have time-outs of their own
	reply, err := h.media.HTTPAccess(ctx, &hook.HTTPAccessEvent{
		Session: entry.Info(), Path: r.URL.Path, FilePath: path, Header: header,
	})
	_ = control.SetWriteDeadline(time.Now().Add(refusalTime))
	switch {
	case errors.Is(err, hook.ErrNotHandled):
		return errNobody
	case err != nil:
		h.logCaller(&h.denied, "api: download refused", c, "err", err)
		return downloadError(hook.PeerText(err))
	case reply.Err != "":
		return downloadError(reply.Err)
	}
	h.media.Settle(forwarded.Ends(r))
	return nil
}

// refusalTime is how long a client may take to read that it is refused.
const refusalTime = 10 * time.Second

func refuseDownload(w http.ResponseWriter, err error) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(http.StatusUnauthorized)
	_, _ = io.WriteString(w, err.Error()) // the client may have gone
}

// sendFile sends a plain file, which no link may lead out of its root.
func (h *Handler) sendFile(c *call, root, name string) {
	dir, err := docroot.OpenFolder(root)
	if err != nil {
		http.NotFound(c.writer, c.request)
		return
	}
	defer dir.Close()
	file, info, err := dir.Open(name)
	if err != nil {
		http.NotFound(c.writer, c.request)
		return
	}
	defer file.Close()
	head := c.writer.Header()
	head.Set("Content-Type", docroot.ContentType(name)+"; charset="+h.options().charSet())
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Cache-Control", "no-cache")
	if as := c.args.get("save_name"); as != "" {
		head.Set("Content-Disposition", disposition(as))
	}
	docroot.Send(docroot.NewWriter(c.writer, nil), c.request, file, info)
}

// disposition asks a browser to save what it gets under a name (RFC 6266). The form is that of the original, where the name is
// such that it can be.
func disposition(name string) string {
	plain, same := quotable(name)
	text := `attachment;filename="` + plain + `"`
	if !same {
		text += ";filename*=UTF-8''" + strings.ReplaceAll(url.QueryEscape(strings.ToValidUTF8(name, "_")), "+", "%20")
	}
	return text
}

// quotable returns a name with what cannot stand in a quoted text replaced, and whether there is nothing of that.
func quotable(name string) (plain string, same bool) {
	plain = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' || r == '/' {
			return '_'
		}
		return r
	}, name)
	return plain, plain == name
}

// asks reports whether hooks decide about a call: one that gives no secret and may not be made without, to an endpoint that lets
// them.
func (h *Handler) asks(c *call) bool {
	if c.endpoint.Auth != "secret_or_on_http_access" || len(h.options().Downloads) == 0 || c.args.has("secret") {
		return false
	}
	return !h.options().allows(c.request) || !h.knows(c)
}
