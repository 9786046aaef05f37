package web_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
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

	"github.com/sluice-media/sluice/hook"
	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/web"
)

// fileServer serves a folder of its own.
type fileServer struct {
	*httptest.Server
	t     *testing.T
	media *media.Server
	files *web.Files
	root  string

	mu    sync.Mutex
	asked []*hook.HTTPAccessEvent
}

// decider answers for on_http_access.
type decider func(ctx context.Context, ev *hook.HTTPAccessEvent) (hook.HTTPAccessReply, error)

// serveFiles serves the files that are named, whose content is their name, until the test ends.
func serveFiles(t *testing.T, cfg web.FilesConfig, decide decider, names ...string) *fileServer {
	t.Helper()
	s := &fileServer{t: t, root: filepath.Join(t.TempDir(), "www")}
	require.NoError(t, os.Mkdir(s.root, 0o700))
	s.add(names...)
	mc := media.Config{HookTimeout: 300 * time.Millisecond}
	if decide != nil {
		mc.Hooks = []hook.Hook{hook.Funcs{OnHTTPAccess: func(ctx context.Context, ev *hook.HTTPAccessEvent) (hook.HTTPAccessReply, error) {
			s.mu.Lock()
			s.asked = append(s.asked, ev)
			s.mu.Unlock()
			return decide(ctx, ev)
		}}}
	}
	var err error
	s.media, err = media.New(mc)
	require.NoError(t, err)
	if cfg.Root == "" {
		cfg.Root = s.root
	}
	s.files, err = web.NewFiles(s.media, cfg)
	require.NoError(t, err)
	s.Server = httptest.NewServer(s.files)
	t.Cleanup(func() {
		require.NoError(t, s.media.Close())
		s.CloseClientConnections()
		s.Close()
	})
	return s
}

func (s *fileServer) add(names ...string) {
	s.t.Helper()
	for _, name := range names {
		path := filepath.Join(s.root, filepath.FromSlash(name))
		require.NoError(s.t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(s.t, os.WriteFile(path, []byte(name), 0o600))
	}
}

// calls returns how often the hook was asked, and forgets it.
func (s *fileServer) calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.asked)
	s.asked = nil
	return n
}

// reply is what a client got.
type reply struct {
	status int
	header http.Header
	body   string
	cookie string
}

// ask sends a request as it stands, with headers each of which ends with a line end.
func (s *fileServer) ask(method, path, headers string) reply {
	s.t.Helper()
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	require.NoError(s.t, err)
	defer conn.Close()
	require.NoError(s.t, conn.SetDeadline(time.Now().Add(patience)))
	if !strings.Contains(headers, "Host:") {
		headers += "Host: h\n"
	}
	_, err = io.WriteString(conn, method+" "+path+" HTTP/1.1\r\n"+strings.ReplaceAll(headers, "\n", "\r\n")+"\r\n")
	require.NoError(s.t, err)
	res, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	require.NoError(s.t, err, path)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(s.t, err)
	got := reply{status: res.StatusCode, header: res.Header, body: string(body)}
	for _, c := range res.Cookies() {
		require.Equal(s.t, "ZLM_HTTP_COOKIE", c.Name)
		got.cookie = c.Value
	}
	return got
}

func (s *fileServer) get(path string) reply { s.t.Helper(); return s.ask("GET", path, "") }

func TestFiles(t *testing.T) {
	s := serveFiles(t, web.FilesConfig{
		ListFolders: true, NotFoundPage: "<b>gone</b>", NoStore: []string{".M3U8"}, AllowOrigins: []string{"http://page"},
	}, nil, "a.txt", "dir/b.mp4", "dir/c.m3u8", "site/index.HTML", ".git/config", "dir/.hidden", "x y/ü&?#.txt", "up/"+strings.Repeat("u", 200))
	file := s.get("/a.txt")
	require.Equal(t, 200, file.status)
	require.Equal(t, "a.txt", file.body)
	require.Equal(t, "text/plain; charset=utf-8", file.header.Get("Content-Type"))
	require.Equal(t, "no-cache", file.header.Get("Cache-Control"))
	require.Equal(t, 304, s.ask("GET", "/a.txt", "If-None-Match: "+file.header.Get("ETag")+"\n").status)
	require.Equal(t, 304, s.ask("GET", "/a.txt", "If-Modified-Since: "+file.header.Get("Last-Modified")+"\n").status)
	require.Equal(t, "no-store", s.get("/dir/c.m3u8").header.Get("Cache-Control"))
	part := s.ask("GET", "/dir/b.mp4", "Range: bytes=0-2\n")
	require.Equal(t, "206 dir video/mp4; charset=utf-8", fmt.Sprint(part.status, " ", part.body, " ", part.header.Get("Content-Type")))
	head := s.ask("HEAD", "/a.txt", "")
	require.Equal(t, "200 5", fmt.Sprint(head.status, " ", head.header.Get("Content-Length")))
	require.Equal(t, 200, s.ask("HEAD", "/dir/", "").status)
	require.Equal(t, "site/index.HTML", s.get("/site").body)
	require.Equal(t, "text/html; charset=utf-8", s.get("/site/").header.Get("Content-Type"))
	require.Equal(t, "x y/ü&?#.txt", s.get("/x%20y/%C3%BC&%3F%23.txt").body)
	for _, path := range []string{"/none", "/.git/config", "/.git/", "/dir/.hidden", "/a.txt/", "/a.txt/b", "/dir/none/", "/a%00.txt", "/%ff"} {
		gone := s.get(path)
		require.Equal(t, "404 <b>gone</b>", fmt.Sprint(gone.status, " ", gone.body), path)
		require.Equal(t, "text/html; charset=utf-8", gone.header.Get("Content-Type"))
	}
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH"} {
		refused := s.ask(method, "/a.txt", "Content-Length: 0\n")
		require.Equal(t, "405 GET, HEAD, OPTIONS", fmt.Sprint(refused.status, " ", refused.header.Get("Allow")))
	}
	require.Equal(t, 404, s.ask("GET", "/a.txt", "Connection: Upgrade\nUpgrade: websocket\n").status)
	require.Equal(t, 414, s.get("/a.txt?"+strings.Repeat("q", 9<<10)).status)
	require.Equal(t, "http://page", s.ask("GET", "/a.txt", "Origin: http://page\n").header.Get("Access-Control-Allow-Origin"))
	require.Empty(t, s.ask("GET", "/a.txt", "Origin: http://other\n").header.Get("Access-Control-Allow-Origin"))
	may := s.ask("OPTIONS", "/a.txt", "Origin: http://page\n")
	require.Equal(t, "200 GET, HEAD, OPTIONS true", fmt.Sprint(may.status, " ", may.header.Get("Access-Control-Allow-Methods"), " ", may.header.Get("Access-Control-Allow-Credentials")))
	require.Equal(t, []string{"Origin"}, may.header.Values("Vary"))
}

// What a folder lists can be followed, whatever the names, and is text.
func TestFolders(t *testing.T) {
	s := serveFiles(t, web.FilesConfig{ListFolders: true}, nil, "d/e/<b>&\"'.txt", "d/e/a:b", "d/e/%2e%2e", "d/e/f/g", "d/e/.h", "d/e/?x#y", "d/z")
	require.NoError(t, os.Symlink("..", filepath.Join(s.root, "d", "e", "out")))
	require.NoError(t, os.Symlink("/", filepath.Join(s.root, "d", "e", "top")))
	for _, path := range []string{"/d/e", "/d/e/", "/d/./e/"} {
		page := s.get(path)
		require.Equal(t, 200, page.status)
		require.Equal(t, "default-src 'none'", page.header.Get("Content-Security-Policy"))
		require.NotContains(t, page.body, "<b>")
		require.NotContains(t, page.body, ".h<")
		require.NotContains(t, page.body, "top")
		base, err := url.Parse(s.URL + path)
		require.NoError(t, err)
		var seen []string
		for _, part := range strings.Split(page.body, `href="`)[1:] {
			text, _, _ := strings.Cut(part, `"`)
			link, err := url.Parse(strings.NewReplacer("&amp;", "&", "&#34;", `"`, "&#39;", "'").Replace(text))
			require.NoError(t, err)
			to := base.ResolveReference(link)
			got := s.get(to.EscapedPath())
			require.Equal(t, 200, got.status, to)
			seen = append(seen, to.Path)
			if !strings.HasSuffix(to.Path, "/") {
				require.Equal(t, strings.TrimPrefix(to.Path, "/"), got.body)
			}
		}
		require.Equal(t, []string{"/", "/d/", "/d/e/%2e%2e", "/d/e/<b>&\"'.txt", "/d/e/?x#y", "/d/e/a:b", "/d/e/f/", "/d/e/out/"},
			append(seen[:2:2], slices.Sorted(slices.Values(seen[2:]))...))
	}
	require.NotContains(t, s.get("/").body, "../")
	require.NoError(t, s.files.Reconfigure(web.FilesConfig{Root: s.root}))
	require.Equal(t, 404, s.get("/d/").status)
	require.Equal(t, "d/z", s.get("/d/z").body)
	require.NoError(t, s.files.Reconfigure(web.FilesConfig{}))
	require.Equal(t, 404, s.get("/d/z").status)
}

// Folders stand at other names, and virtual hosts have their own.
func TestVirtualFolders(t *testing.T) {
	other := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(other, "o"), []byte("other"), 0o600))
	s := serveFiles(t, web.FilesConfig{Virtual: map[string]string{"v": other}, ListFolders: true}, nil, "a", "v/a", "__defaultVhost__/x", "b.example/x", ".c/x", "up/x")
	require.Equal(t, "other", s.get("/v/o").body)
	require.Equal(t, 404, s.get("/v/a").status)
	require.Contains(t, s.get("/v").body, `href="./v/o"`)
	require.Contains(t, s.get("/v/").body, `href="./o"`)
	require.Equal(t, "a", s.get("/a").body)
	require.Contains(t, s.get("/v/../../a").body, "v/", "the root, and not what is beside the folder")
	require.NoError(t, s.files.Reconfigure(web.FilesConfig{Root: s.root, EnableVHost: true}))
	for host, want := range map[string]string{"127.0.0.1": "__defaultVhost__/x", "b.example:80": "b.example/x"} {
		require.Equal(t, want, s.ask("GET", "/x", "Host: "+host+"\n").body)
	}
	for _, vhost := range []string{"..", ".", ".c", "up/..", "../www/up", "%2e%2e", "b.example%00", "none"} {
		require.Equal(t, 404, s.get("/x?vhost="+vhost).status, vhost)
	}
	for _, virtual := range []map[string]string{{"": "/"}, {"a/b": "/"}, {`a\b`: "/"}, {"a": ""}, {".a": "/"}} {
		require.Error(t, s.files.Reconfigure(web.FilesConfig{Virtual: virtual}))
	}
}

// Whatever is asked for, nothing comes from outside of the folder, and nothing that is hidden.
func TestTraversal(t *testing.T) {
	s := serveFiles(t, web.FilesConfig{ListFolders: true}, nil, "a/b/c.txt", ".hidden")
	const secret = "root:x:0:0"
	require.NoError(t, os.WriteFile(filepath.Join(s.root, "..", "passwd"), []byte(secret), 0o600))
	require.NoError(t, os.Symlink("/proc/self", filepath.Join(s.root, "self")))
	require.NoError(t, os.Symlink("../passwd", filepath.Join(s.root, "linked")))
	ups := []string{
		"..", "%2e%2e", ".%2e", "%2E.", "..%00", "..%20", "%20..", "...", "....", "..;", "..;x=y", "%c0%ae%c0%ae", "%e0%80%ae%e0%80%ae", "%252e%252e",
		"%u002e%u002e", "..%0a", "%ef%bc%8e%ef%bc%8e", "..%ff", "a/../..", "a/b/../../..", "./..", "//..", ".%00.", "..%09", "..%7f",
	}
	slashes := []string{"/", "%2f", `\`, "%5c", "%255c", "%252f", "//", "%c0%af", "/./"}
	var paths []string
	for _, up := range ups {
		for _, slash := range slashes {
			paths = append(paths, "/"+strings.Repeat(up+slash, 1)+"passwd", "/"+strings.Repeat(up+slash, 12)+"etc/passwd", "/a"+slash+up+slash+up+slash+"passwd")
		}
	}
	paths = append(
		paths,
		"/self/environ", "/self/root/etc/passwd", "/self/cwd/files_test.go", "/proc/self/environ", "//etc/passwd", "/%2fetc/passwd", "/linked", "/linked/",
		"/.hidden", "/a/../.hidden", "/%2ehidden", `/\.hidden`, "/CON", "/nul", "/COM1.txt", "/aux/a", `/C:\boot.ini`, "/C:/boot.ini", "/a/b/c.txt::$DATA", `/\\host\share\x`, "/%5c%5c%3f%5cC:%5cx",
		"/~root/x", "/file:///etc/passwd", "/a/b/c.txt%00.html", "/"+strings.Repeat("a/", 3000), "/"+strings.Repeat("../", 3000)+"etc/passwd",
		"/"+strings.Repeat("A", 8000), "/"+strings.Repeat("%2e%2e%2f", 800)+"passwd", "/a"+strings.Repeat("/.", 2000)+"/../../passwd",
	)
	require.Greater(t, len(paths), 200)
	for _, path := range paths {
		got := s.get(path)
		require.Contains(t, []int{200, 400, 404}, got.status, path)
		require.NotContains(t, got.body, secret, path)
		if got.status == 200 { // what leads out is the root, or it stays inside
			require.NotContains(t, got.header.Get("Content-Type"), "octet", path)
			require.NotContains(t, got.body, "hidden", path)
		}
	}
	require.Contains(t, s.get("/../passwd").body, "<h1>/</h1>")
	require.Equal(t, "a/b/c.txt", s.get("/a/x/../b/c.txt").body)
	require.Equal(t, "a/b/c.txt", s.get(`/a%5cb%5Cc.txt`).body)
}

// Hooks are asked before it is known whether a file is there.
func TestAccessEvent(t *testing.T) {
	s := serveFiles(t, web.FilesConfig{ListFolders: true}, func(context.Context, *hook.HTTPAccessEvent) (hook.HTTPAccessReply, error) {
		return hook.HTTPAccessReply{}, nil
	}, "dir/a", "site/index.html")
	for path, want := range map[string]string{
		"/dir/a?x=1": "/dir/a dir/a false", "/dir": "/dir dir true", "/dir/": "/dir/ dir/ true", "/none": "/none none false", "/..": "/ / true", "/.h": "/.h .h false",
		"/site/": "/site/index.html site/index.html false", `/dir\.\a`: "/dir/a dir/a false",
	} {
		s.calls()
		s.ask("GET", path, "X-Mine: 1\nHost: me:1\n")
		require.Len(t, s.asked, 1)
		ev := s.asked[0]
		file := strings.TrimPrefix(strings.TrimPrefix(ev.FilePath, s.root), "/")
		require.Equal(t, want, fmt.Sprint(ev.Path, " ", map[bool]string{true: "/", false: file}[file == ""], " ", ev.IsDir))
		require.True(t, filepath.IsAbs(ev.FilePath))
		require.Equal(t, "1 me:1", ev.Header.Get("X-Mine")+" "+ev.Header.Get("Host"))
		require.NotEmpty(t, ev.Session.ID)
		require.Equal(t, "http", ev.Session.Protocol)
		require.Equal(t, netip.MustParseAddr("127.0.0.1"), ev.Session.Remote.Addr())
	}
	require.Equal(t, "x=1", func() string { s.calls(); s.get("/dir/a?x=1"); return s.asked[0].Session.Params }())
	require.Empty(t, slices.Collect(s.media.Sessions()))
}

// Where no hook decides, the address does.
func TestAllowIP(t *testing.T) {
	cfg := web.FilesConfig{
		AllowIP:           func(a netip.Addr) bool { return a == netip.MustParseAddr("10.0.0.1") },
		ForwardedIPHeader: "X-Forwarded-For", TrustedProxy: netip.Addr.IsLoopback,
	}
	s := serveFiles(t, cfg, nil, "a")
	refused := s.get("/a")
	require.Equal(t, "401 Your ip is not allowed to access the service.", fmt.Sprint(refused.status, " ", refused.body))
	require.Equal(t, 401, s.get("/none").status, "nor is it told what there is")
	require.Equal(t, 200, s.ask("GET", "/a", "X-Forwarded-For: 10.0.0.1\n").status)
	decided := serveFiles(t, cfg, func(context.Context, *hook.HTTPAccessEvent) (hook.HTTPAccessReply, error) {
		return hook.HTTPAccessReply{}, nil
	}, "a")
	require.Equal(t, 200, decided.get("/a").status, "the hook decides alone")
	left := serveFiles(t, cfg, func(context.Context, *hook.HTTPAccessEvent) (hook.HTTPAccessReply, error) {
		return hook.HTTPAccessReply{}, hook.ErrNotHandled
	}, "a")
	require.Equal(t, 401, left.get("/a").status)
}

// A hook that fails or hangs lets nobody have anything, and the client hears why as far as it may.
func TestAccessFails(t *testing.T) {
	s := serveFiles(t, web.FilesConfig{}, func(ctx context.Context, ev *hook.HTTPAccessEvent) (hook.HTTPAccessReply, error) {
		switch ev.Session.Params {
		case "hang":
			<-ctx.Done()
			return hook.HTTPAccessReply{}, ctx.Err()
		case "deny":
			return hook.HTTPAccessReply{Valid: time.Hour}, hook.Deny(7, "bad <token>")
		case "panic":
			panic("x")
		case "err":
			return hook.HTTPAccessReply{Err: "<script>no & way</script>"}, nil
		}
		return hook.HTTPAccessReply{}, errors.New("password of the database is x")
	}, "a")
	for query, want := range map[string]string{
		"hang": "the server could not decide", "fail": "the server could not decide", "panic": "the server could not decide",
		"deny": `[auth failed]: code:7 msg:"bad &lt;token&gt;"`, "err": "&lt;script&gt;no &amp; way&lt;/script&gt;",
	} {
		for range 2 { // and nothing of it is remembered
			got := s.get("/a?" + query)
			require.Equal(t, 401, got.status, query)
			require.Contains(t, got.body, want)
			require.Empty(t, got.cookie)
			require.Equal(t, "text/html; charset=utf-8", got.header.Get("Content-Type"))
		}
		require.Equal(t, 2, s.calls())
	}
}

// A verdict holds for its time and its folder, for who shows its cookie, or has the same query and address.
func TestVerdicts(t *testing.T) {
	var answer hook.HTTPAccessReply
	s := serveFiles(t, web.FilesConfig{ForwardedIPHeader: "X-Forwarded-For", TrustedProxy: netip.Addr.IsLoopback, EnableVHost: true},
		func(context.Context, *hook.HTTPAccessEvent) (hook.HTTPAccessReply, error) { return answer, nil },
		"__defaultVhost__/d/a", "__defaultVhost__/d/e/b", "__defaultVhost__/dd/c", "other/d/a")
	want := func(path, cookie string, status, calls int) reply {
		t.Helper()
		headers := "Host: 127.0.0.1\n"
		if cookie != "" {
			headers += "Cookie: x=y; ZLM_HTTP_COOKIE=" + cookie + "\n"
		}
		got := s.ask("GET", path, headers)
		require.Equal(t, status, got.status)
		require.Equal(t, calls, s.calls(), "calls of the hook")
		return got
	}
	answer = hook.HTTPAccessReply{}
	require.Empty(t, want("/d/a?t=0", "", 200, 1).cookie)
	require.Empty(t, want("/d/a?t=0", "", 200, 1).cookie, "it is not to be remembered")

	answer = hook.HTTPAccessReply{Valid: time.Hour}
	granted := want("/d/a?t=1", "", 200, 1)
	require.Len(t, granted.cookie, 32)
	require.Regexp(t, `^ZLM_HTTP_COOKIE=[0-9a-f]{32};expires=[^;]+ GMT;path=/d/$`, granted.header.Get("Set-Cookie"))
	require.Empty(t, want("/d/e/b", granted.cookie, 200, 0).cookie)
	require.Empty(t, want("/d/a?other", granted.cookie, 200, 0).cookie, "the cookie is enough")
	require.Equal(t, granted.cookie, want("/d/e/b?t=1", "", 200, 0).cookie, "so is the query")
	want("/d/a?t=2", "", 200, 1)
	answer = hook.HTTPAccessReply{}
	want("/d/a", "", 200, 1)
	require.Equal(t, 200, s.ask("GET", "/d/a?t=1", "Host: 127.0.0.1\nX-Forwarded-For: 10.0.0.9\n").status)
	require.Equal(t, 1, s.calls(), "another address with the same query")
	s.ask("GET", "/d/a", "Host: other\nCookie: ZLM_HTTP_COOKIE="+granted.cookie+"\n")
	require.Equal(t, 1, s.calls(), "another virtual host")
	want("/d/a", granted.cookie, 200, 0)
	want("/dd/c", granted.cookie, 200, 1)
	want("/d/a", granted.cookie, 200, 1) // given up, as it was shown for what it is not about
	want("/d/a", strings.Repeat("0", 32), 200, 1)

	answer = hook.HTTPAccessReply{Valid: time.Hour, Path: "/d/e", Err: "no way"}
	denied := want("/d/e/b?t=3", "", 401, 1)
	require.Contains(t, denied.header.Get("Set-Cookie"), ";path=/d/e/")
	require.Equal(t, denied.cookie, want("/d/e/b?t=3", "", 401, 0).cookie)
	want("/d/e/b", denied.cookie, 401, 0)
	require.Equal(t, "no way", want("/d/e/b?t=3", denied.cookie, 401, 0).body)
	answer = hook.HTTPAccessReply{}
	want("/d/e/b?t=4", denied.cookie, 200, 1) // another query is another question
	want("/d/e/b?t=3", denied.cookie, 200, 1)

	answer = hook.HTTPAccessReply{Valid: 100 * time.Millisecond, Path: "/"}
	short := want("/d/a?t=5", "", 200, 1)
	require.Eventually(t, func() bool {
		s.ask("GET", "/d/a?t=5", "Host: 127.0.0.1\nCookie: ZLM_HTTP_COOKIE="+short.cookie+"\n")
		return s.calls() == 1
	}, patience, 20*time.Millisecond)
}

// What a backend says cannot become another header or attribute.
func TestVerdictOfOddScope(t *testing.T) {
	for scope, want := range map[string]string{
		"/a;Secure\r\nX: y": "/a%3BSecure%0D%0AX:%20y/", "a/b": "/a/b/", "/../x": "/x/", "/目": "/%E7%9B%AE/", "//": "/", "/a/": "/a/",
	} {
		s := serveFiles(t, web.FilesConfig{}, func(context.Context, *hook.HTTPAccessEvent) (hook.HTTPAccessReply, error) {
			return hook.HTTPAccessReply{Valid: time.Hour, Path: scope}, nil
		}, "a")
		got := s.get("/a")
		require.True(t, strings.HasSuffix(got.header.Get("Set-Cookie"), ";path="+want), got.header.Get("Set-Cookie"))
		require.Empty(t, got.header.Get("X"))
	}
	s := serveFiles(t, web.FilesConfig{}, func(context.Context, *hook.HTTPAccessEvent) (hook.HTTPAccessReply, error) {
		return hook.HTTPAccessReply{Valid: time.Hour, Err: strings.Repeat("x", 10_000)}, nil
	}, "a")
	for range 2 { // too long to be remembered
		got := s.get("/a?q")
		require.Equal(t, 401, got.status)
		require.Empty(t, got.cookie)
		require.Equal(t, 1, s.calls())
	}
}

// download begins to fetch a large file and does not read it.
func (s *fileServer) download() {
	s.t.Helper()
	require.NoError(s.t, os.WriteFile(filepath.Join(s.root, "large"), make([]byte, 64<<20), 0o600))
	conn, err := net.Dial("tcp", s.Listener.Addr().String())
	require.NoError(s.t, err)
	s.t.Cleanup(func() { conn.Close() })
	_, err = io.WriteString(conn, "GET /large HTTP/1.1\r\nHost: h\r\n\r\n")
	require.NoError(s.t, err)
	require.Eventually(s.t, func() bool {
		for x := range s.media.Sessions() {
			_, sent := x.Bytes()
			return sent > 0
		}
		return false
	}, patience, time.Millisecond)
}

// A download is a session that can be kicked, and ends with the server.
func TestDownloadsEnd(t *testing.T) {
	s := serveFiles(t, web.FilesConfig{}, nil)
	s.download()
	for x := range s.media.Sessions() {
		x.Kick(errors.New("enough"))
	}
	require.Eventually(t, func() bool { return len(slices.Collect(s.media.Sessions())) == 0 }, patience, time.Millisecond)
	s.download()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	require.ErrorIs(t, s.files.Shutdown(ctx), context.DeadlineExceeded)
	require.Empty(t, slices.Collect(s.media.Sessions()))
	require.Equal(t, 503, s.get("/large").status)
	require.NoError(t, s.media.Close())
	_, err := web.NewFiles(s.media, web.FilesConfig{})
	require.ErrorIs(t, err, media.ErrServerClosed)
}

// FuzzFilesCookie shows any cookies: none is a verdict.
func FuzzFilesCookie(f *testing.F) {
	f.Add("ZLM_HTTP_COOKIE=0123456789abcdef0123456789abcdef; a=b", "/d/a")
	f.Add("ZLM_HTTP_COOKIE=;;=,ZLM_HTTP_COOKIE", "/")
	m, err := media.New(media.Config{Hooks: []hook.Hook{hook.Funcs{OnHTTPAccess: func(_ context.Context, ev *hook.HTTPAccessEvent) (hook.HTTPAccessReply, error) {
		if ev.Session.Params == "open" {
			return hook.HTTPAccessReply{Valid: time.Hour, Path: "/"}, nil
		}
		return hook.HTTPAccessReply{}, hook.Deny(1, "no")
	}}}})
	require.NoError(f, err)
	defer m.Close()
	h, err := web.NewFiles(m, web.FilesConfig{Root: f.TempDir(), ListFolders: true})
	require.NoError(f, err)
	serve := func(query, cookie, path string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("GET", "/?"+query, nil)
		r.URL.Path = path
		r.Header.Set("Cookie", cookie)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	require.Equal(f, 200, serve("open", "", "/").Code)
	f.Fuzz(func(t *testing.T, cookie, path string) {
		require.Equal(t, 401, serve("", cookie, path).Code)
	})
}

// What is no folder cannot be one whose files are served.
func TestFilesOfAFile(t *testing.T) {
	m, err := media.New(media.Config{})
	require.NoError(t, err)
	defer m.Close()
	path := filepath.Join(t.TempDir(), "plain")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	for _, cfg := range []web.FilesConfig{{Root: path}, {Virtual: map[string]string{"x": path}}} {
		_, err := web.NewFiles(m, cfg)
		require.ErrorContains(t, err, path+" is not a folder")
	}
}

// elsewhere has the files of virtual hosts in a folder of its own.
type elsewhere struct {
	web.Made
	dir string
}

func (elsewhere) Serves(*http.Request, string) bool { return false }

func (e elsewhere) Folder(vhost, path string) (dir, name string, ok bool) {
	name, ok = strings.CutPrefix(path, "/record/")
	return filepath.Join(e.dir, vhost), name, ok
}

// What a Made knows to lie elsewhere goes before what is in the folder of the virtual host, and only where virtual hosts have folders.
func TestFoldersElsewhere(t *testing.T) {
	made := elsewhere{dir: t.TempDir()}
	for _, name := range []string{"a.example/x", "a.example/d/y", "a.example/.hidden"} {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(made.dir, name)), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(made.dir, name), []byte("elsewhere "+name), 0o600))
	}
	s := serveFiles(t, web.FilesConfig{Made: made}, func(context.Context, *hook.HTTPAccessEvent) (hook.HTTPAccessReply, error) {
		return hook.HTTPAccessReply{}, nil
	}, "record/x", "a.example/record/x", "a.example/record/z", "a.example/record/.hidden")
	require.Equal(t, "record/x", s.get("/record/x").body)
	require.NoError(t, s.files.Reconfigure(web.FilesConfig{Root: s.root, Made: made, EnableVHost: true, ListFolders: true}))
	require.Equal(t, "elsewhere a.example/x", s.get("/record/x?vhost=a.example").body)
	require.Equal(t, filepath.Join(made.dir, "a.example/x"), s.asked[len(s.asked)-1].FilePath)
	require.Equal(t, "a.example/record/z", s.get("/record/z?vhost=a.example").body)
	require.Contains(t, s.get("/record/d?vhost=a.example").body, `href="./d/y"`)
	for _, path := range []string{"/record/.hidden?vhost=a.example", "/record/x?vhost=b.example", "/record/x"} {
		require.Equal(t, 404, s.get(path).status, path)
	}
}

// remoteOf tells who asks.
type remoteOf struct{}

func (remoteOf) Serves(*http.Request, string) bool { return true }

func (remoteOf) ServeVHost(w http.ResponseWriter, r *http.Request, _ string) {
	io.WriteString(w, r.RemoteAddr)
}

// What is made is told the address of the client, and not that of a proxy which is trusted.
func TestMadeIsToldTheClient(t *testing.T) {
	s := serveFiles(t, web.FilesConfig{Made: remoteOf{}, ForwardedIPHeader: "X-Forwarded-For", TrustedProxy: netip.Addr.IsLoopback}, nil)
	require.Contains(t, s.get("/x").body, "127.0.0.1:")
	require.Contains(t, s.ask("GET", "/x", "X-Forwarded-For: 192.0.2.7, 2001:db8::7\n").body, "[2001:db8::7]:")
	require.NoError(t, s.files.Reconfigure(web.FilesConfig{Made: remoteOf{}}))
	require.Contains(t, s.ask("GET", "/x", "X-Forwarded-For: 192.0.2.7\n").body, "127.0.0.1:")
}
