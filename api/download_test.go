package api_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/api"
	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
)

// Who has no secret gets a file if a hook lets him; nobody who gives a wrong one does.
func TestDownloadsByHook(t *testing.T) {
	root := t.TempDir()
	file := filepath.Join(root, "a.mp4")
	require.NoError(t, os.WriteFile(file, []byte("content"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(root, ".b"), []byte("hidden"), 0o600))
	var mu sync.Mutex // a hook that is too late may still run
	var asked []*hook.HTTPAccessEvent
	hooks := hook.Funcs{OnHTTPAccess: func(ctx context.Context, ev *hook.HTTPAccessEvent) (hook.HTTPAccessReply, error) {
		mu.Lock()
		asked = append(asked, ev)
		mu.Unlock()
		switch query := ev.Session.Query(); query.Get("t") {
		case "deny":
			return hook.HTTPAccessReply{}, hook.Deny(1, "no")
		case "err":
			return hook.HTTPAccessReply{Err: "no way"}, nil
		case "fail":
			return hook.HTTPAccessReply{}, errors.New("the database has the password x")
		case "hang":
			<-ctx.Done()
			return hook.HTTPAccessReply{}, ctx.Err()
		case "leave":
			return hook.HTTPAccessReply{}, hook.ErrNotHandled
		}
		return hook.HTTPAccessReply{}, nil
	}}
	m, err := media.New(media.Config{Hooks: []hook.Hook{hooks}, HookTimeout: 100 * time.Millisecond})
	require.NoError(t, err)
	defer m.Close()
	h, err := api.NewHandler(m, api.Options{
		Secret: secret, Parts: api.Parts{Downloads: []string{root}}, AllowIP: func(netip.Addr) bool { return false },
	})
	require.NoError(t, err)
	count := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(asked)
	}
	download := func(query string) string {
		mu.Lock()
		asked = nil
		mu.Unlock()
		r := httptest.NewRequest(http.MethodGet, "/index/api/downloadFile?"+query, http.NoBody)
		r.Header.Set("Range", "bytes=0-3")
		r.Host = "me"
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return fmt.Sprint(w.Code, " ", w.Body)
	}
	path := "file_path=" + url.QueryEscape(file)
	require.Equal(t, "206 cont", download(path+"&t=1"))
	mu.Lock()
	require.Len(t, asked, 1)
	require.Equal(t, "/index/api/downloadFile "+file, asked[0].Path+" "+asked[0].FilePath)
	require.Equal(t, "bytes=0-3 me", asked[0].Header.Get("Range")+" "+asked[0].Header.Get("Host"))
	require.Equal(t, path+"&t=1", asked[0].Session.Params)
	mu.Unlock()
	for query, want := range map[string]string{
		"deny": `401 [auth failed]: code:1 msg:"no"`, "err": "401 no way", "fail": "401 the server could not decide",
		"hang": "401 the server could not decide", "leave": "401 None http access event listener",
	} {
		require.Equal(t, want, download(path+"&t="+query))
	}
	require.Equal(t, "404", strings.Fields(download("file_path=" + url.QueryEscape(filepath.Join(root, ".b"))))[0])
	require.Equal(t, 1, count(), "it is asked before it is known what there is")
	require.Contains(t, download("file_path=/etc/passwd"), "401 You can not download files outside")
	require.Contains(t, download("file_path="), "-300")
	require.Contains(t, download(path+"&secret=wrong"), "-100")
	require.Contains(t, download(path+"&secret="+secret), "-100", "from where nobody may call")
	require.Zero(t, count())
	require.Empty(t, slices.Collect(m.Sessions()))
	require.NoError(t, h.SetOptions(api.Options{Secret: secret}))
	require.Contains(t, download(path), "-100", "and not who has no secret that it is not enabled")
}

// A name to save under is text, whatever is in it.
func TestSaveNames(t *testing.T) {
	root := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(root, "a"), nil, 0o600))
	h, _ := newAPI(t, api.Options{Parts: api.Parts{Downloads: []string{root}}})
	for name, want := range map[string]string{
		"x.mp4": `attachment;filename="x.mp4"`, "a b;c": `attachment;filename="a b;c"`, "": "",
		"a\"\r\nX: y": `attachment;filename="a___X: y";filename*=UTF-8''a%22%0D%0AX%3A%20y`,
		"../目":        `attachment;filename=".._` + `_";filename*=UTF-8''..%2F%E7%9B%AE`,
	} {
		w := httptest.NewRecorder()
		query := url.Values{"secret": {secret}, "file_path": {filepath.Join(root, "a")}, "save_name": {name}}
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/index/api/downloadFile?"+query.Encode(), http.NoBody))
		require.Equal(t, want, w.Header().Get("Content-Disposition"))
		require.Equal(t, "application/octet-stream; charset=utf-8", w.Header().Get("Content-Type"))
	}
}
