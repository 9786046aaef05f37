package api

import (
	"io/fs"
	"mime"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// downloadFile answers with a file below one of the directories that the options name.
func (h *Handler) downloadFile(c *call) (reply, error) {
	roots := h.options().Downloads
	if len(roots) == 0 {
		return nil, c.errNotEnabled()
	}
	c.written = true
	path := c.args.get("file_path")
	if slices.Contains(strings.FieldsFunc(path, func(r rune) bool { return r == '/' || r == '\\' }), "..") {
		http.Error(c.writer, "You can not access parent directory", http.StatusUnauthorized)
		return nil, nil
	}
	for _, root := range roots {
		if name, ok := below(root, path); ok {
			h.sendFile(c, root, name)
			return nil, nil
		}
	}
	http.Error(c.writer, "You can not download files outside the root directory", http.StatusUnauthorized)
	return nil, nil
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

// sendFile sends a plain file, which no link may lead out of its root.
func (h *Handler) sendFile(c *call, root, name string) {
	dir, err := os.OpenRoot(root)
	if err != nil {
		http.NotFound(c.writer, c.request)
		return
	}
	defer dir.Close()
	info, err := fs.Stat(dir.FS(), filepath.ToSlash(name))
	if err != nil || !info.Mode().IsRegular() {
		http.NotFound(c.writer, c.request)
		return
	}
	file, err := dir.Open(name)
	if err != nil {
		http.NotFound(c.writer, c.request)
		return
	}
	defer file.Close()
	c.writer.Header().Set("X-Content-Type-Options", "nosniff")
	if as := c.args.get("save_name"); as != "" {
		c.writer.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": as}))
	}
	http.ServeContent(c.writer, c.request, info.Name(), info.ModTime(), file)
}
