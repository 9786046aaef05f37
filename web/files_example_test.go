package web_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"time"

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/web"
)

// A hook lets who has a token read recordings, and is not asked again for an hour.
func ExampleNewFiles() {
	folder, err := os.MkdirTemp("", "www")
	if err != nil {
		return
	}
	defer os.RemoveAll(folder)
	_ = os.WriteFile(filepath.Join(folder, "a.txt"), []byte("hello"), 0o600)
	m, err := media.New(media.Config{Hooks: []hook.Hook{hook.Funcs{
		OnHTTPAccess: func(_ context.Context, ev *hook.HTTPAccessEvent) (hook.HTTPAccessReply, error) {
			if ev.Session.Query().Get("token") != "s3cret" {
				return hook.HTTPAccessReply{}, hook.Deny(401, "bad token")
			}
			return hook.HTTPAccessReply{Path: "/", Valid: time.Hour}, nil
		},
	}}})
	if err != nil {
		return
	}
	defer m.Close()
	files, err := web.NewFiles(m, web.FilesConfig{Root: folder})
	if err != nil {
		return
	}
	for _, path := range []string{"/a.txt", "/a.txt?token=s3cret"} {
		w := httptest.NewRecorder()
		files.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, http.NoBody))
		fmt.Println(w.Code, w.Body)
	}
	// Output:
	// 401 [auth failed]: code:401 msg:"bad token"
	// 200 hello
}
