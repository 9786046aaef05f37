package docroot

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestClean(t *testing.T) {
	for path, want := range map[string]string{
		"": "/", "/": "/", "//": "/", "/a": "/a", "/a/": "/a/", "/a//b/./c": "/a/b/c", "/a/..": "/", "/a/b/..": "/a/", "/a/b/.": "/a/b/",
		"/../config.ini": "/", "/a/../../b": "/", `/a\b`: "/a/b", `/a\..\..\b`: "/", "/a/../b": "/b", "a": "/a", "/..a": "/..a",
	} {
		got, ok := Clean(path)
		require.True(t, ok, path)
		require.Equal(t, want, got, path)
	}
	for _, path := range []string{"/a\x00", "/a\n", "/\xff", "/" + strings.Repeat("a", maxPath)} {
		_, ok := Clean(path)
		require.False(t, ok, "%q", path)
	}
}

func FuzzClean(f *testing.F) {
	f.Add("/a/../../b/")
	f.Add(`\..\x`)
	f.Fuzz(func(t *testing.T, path string) {
		got, ok := Clean(path)
		require.True(t, strings.HasPrefix(got, "/"))
		require.NotContains(t, got, `\`)
		require.NotContains(t, got+"/", "/../")
		require.NotContains(t, got+"/", "/./")
		if ok {
			again, _ := Clean(got)
			require.Equal(t, got, again)
		}
	})
}

// tree makes a folder with a file of each name, and beside it one that nobody may read.
func tree(t *testing.T, names ...string) (dir, secret string) {
	t.Helper()
	top := t.TempDir()
	dir, secret = filepath.Join(top, "www"), filepath.Join(top, "secret")
	require.NoError(t, os.WriteFile(secret, []byte("secret"), 0o600))
	require.NoError(t, os.Mkdir(dir, 0o700))
	for _, name := range names {
		path := filepath.Join(dir, filepath.FromSlash(name))
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(name), 0o600))
	}
	return dir, secret
}

func read(t *testing.T, dir, name string) (string, error) {
	t.Helper()
	folder, err := OpenFolder(dir)
	require.NoError(t, err)
	defer folder.Close()
	file, _, err := folder.Open(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	text, err := io.ReadAll(file)
	return string(text), err
}

// Links are followed within the folder, to nothing hidden, and not for ever.
func TestLinks(t *testing.T) {
	dir, secret := tree(t, "a/b.txt", ".hidden/c.txt", "d/.e.txt")
	for name, target := range map[string]string{
		"inside": "a/b.txt", "folder": "a", "up": "a/../a/b.txt", "a/back": "../a/b.txt", "twice": "inside",
		"out": secret, "beside": "../secret", "etc": "/etc", "hidden": ".hidden/c.txt", "hiddenfile": "d/.e.txt", "loop": "loop", "here": ".", "none": "nothing",
	} {
		require.NoError(t, os.Symlink(target, filepath.Join(dir, filepath.FromSlash(name))))
	}
	for _, name := range []string{"a/b.txt", "inside", "folder/b.txt", "up", "a/back", "folder/back", "twice", "here/here/inside"} {
		text, err := read(t, dir, name)
		require.NoError(t, err, name)
		require.Equal(t, "a/b.txt", text)
	}
	for _, name := range []string{
		"out", "beside", "etc/passwd", "hidden", "hiddenfile", ".hidden/c.txt", "d/.e.txt", "loop", "none", "a", "", ".", "..", "../secret",
		"a/../../secret", strings.Repeat("here/", 20) + "inside", strings.Repeat("x", 300), strings.Repeat("a/", 5000),
	} {
		_, err := read(t, dir, name)
		require.Error(t, err, name)
	}
}

// A link that leads now here and now there never leads out.
func TestLinksThatAreSwapped(t *testing.T) {
	dir, secret := tree(t, "a/file", "b/file")
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			target := []string{"a", filepath.Dir(secret), "..", "b"}[i%4]
			_ = os.Symlink(target, filepath.Join(dir, "new"))
			_ = os.Rename(filepath.Join(dir, "new"), filepath.Join(dir, "link"))
		}
	}()
	defer func() { close(stop); <-done }()
	for range 2000 {
		for _, name := range []string{"link/file", "link/secret", "link/www/a/file"} {
			if text, err := read(t, dir, name); err == nil {
				require.NotEqual(t, "secret", text)
			}
		}
	}
}

// A folder that was replaced is served as it is, not as it was.
func TestFolderThatIsReplaced(t *testing.T) {
	dir, _ := tree(t, "a")
	require.NoError(t, os.Rename(dir, dir+".old"))
	_, err := OpenFolder(dir)
	require.Error(t, err)
	require.NoError(t, os.Mkdir(dir, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "b"), []byte("new"), 0o600))
	text, err := read(t, dir, "b")
	require.NoError(t, err)
	require.Equal(t, "new", text)
}

func TestList(t *testing.T) {
	dir, _ := tree(t, "a", ".b", "c/d", "e\nf", "g\\h")
	require.NoError(t, os.Symlink("..", filepath.Join(dir, "out")))
	folder, err := OpenFolder(dir)
	require.NoError(t, err)
	defer folder.Close()
	list := func(name string) (names []string, more bool) {
		entries, more, err := folder.List(name)
		require.NoError(t, err)
		for _, e := range entries {
			names = append(names, fmt.Sprint(e.Name, " ", e.IsDir))
		}
		return names, more
	}
	names, more := list("")
	require.ElementsMatch(t, []string{"a false", "c true"}, names)
	require.False(t, more)
	_, _, err = folder.List("a")
	require.Error(t, err)
}

// Of a folder with too much in it, some is listed.
func TestListIsBounded(t *testing.T) {
	dir, _ := tree(t)
	for i := range MaxEntries + 1 {
		require.NoError(t, os.WriteFile(filepath.Join(dir, fmt.Sprint("f", i)), nil, 0o600))
		if i == MaxEntries-1 {
			requireListed(t, dir, MaxEntries, false)
		}
	}
	requireListed(t, dir, MaxEntries, true)
}

func requireListed(t *testing.T, dir string, n int, more bool) {
	t.Helper()
	folder, err := OpenFolder(dir)
	require.NoError(t, err)
	defer folder.Close()
	entries, got, err := folder.List(".")
	require.NoError(t, err)
	require.Len(t, entries, n)
	require.Equal(t, more, got)
}

func TestIndex(t *testing.T) {
	dir, _ := tree(t, "a/index.htm", "a/INDEX.html", "b/Index.HTM", "c/x", "d/index.html/x")
	folder, err := OpenFolder(dir)
	require.NoError(t, err)
	defer folder.Close()
	for name, want := range map[string]string{"a": "index.htm", "b": "Index.HTM", "c": "", "d": "", "": "", "none": ""} {
		require.Equal(t, want, folder.Index(name), name)
	}
}

// get sends a file of ten bytes.
func get(t testing.TB, method string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	return getOf(t, "0123456789", method, headers...)
}

func getOf(t testing.TB, content, method string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	path := filepath.Join(t.TempDir(), "f")
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	info, err := file.Stat()
	require.NoError(t, err)
	r := httptest.NewRequest(method, "/", http.NoBody)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], strings.ReplaceAll(headers[i+1], "ETAG", etag(info)))
	}
	w := httptest.NewRecorder()
	w.Header().Set("Content-Type", "text/plain")
	Send(NewWriter(w, nil), r, file, info)
	return w
}

// Ranges and conditions are answered as RFC 9110 says.
func TestRangesAndConditions(t *testing.T) {
	for name, c := range map[string]struct {
		method, header, value string
		status                int
		body, contentRange    string
	}{
		"all":                   {"GET", "X", "", 200, "0123456789", ""},
		"head":                  {"HEAD", "X", "", 200, "", ""},
		"part":                  {"GET", "Range", "bytes=2-4", 206, "234", "bytes 2-4/10"},
		"from":                  {"GET", "Range", "bytes=7-", 206, "789", "bytes 7-9/10"},
		"last":                  {"GET", "Range", "bytes=-3", 206, "789", "bytes 7-9/10"},
		"beyond the end":        {"GET", "Range", "bytes=7-99", 206, "789", "bytes 7-9/10"},
		"last of more":          {"GET", "Range", "bytes=-99", 206, "0123456789", "bytes 0-9/10"},
		"unit in capitals":      {"GET", "Range", "Bytes=2-4", 206, "234", "bytes 2-4/10"},
		"outside":               {"GET", "Range", "bytes=10-", 416, "", "bytes */10"},
		"none of the last":      {"GET", "Range", "bytes=-0", 416, "", "bytes */10"},
		"other unit":            {"GET", "Range", "pages=1-2", 200, "0123456789", ""},
		"no unit":               {"GET", "Range", "1-2", 200, "0123456789", ""},
		"not for HEAD":          {"HEAD", "Range", "bytes=2-4", 200, "", ""},
		"too many":              {"GET", "Range", "bytes=" + strings.Repeat("0-0,", 10_000) + "0-0", 200, "0123456789", ""},
		"overlapping":           {"GET", "Range", "bytes=0-,0-,0-", 200, "0123456789", ""},
		"huge":                  {"GET", "Range", "bytes=8-99999999999999999999999", 206, "89", "bytes 8-9/10"},
		"huge and outside":      {"GET", "Range", "bytes=99999999999999999999999-", 416, "", "bytes */10"},
		"huge last":             {"GET", "Range", "bytes=-99999999999999999999999", 206, "0123456789", "bytes 0-9/10"},
		"with zeros":            {"GET", "Range", "bytes=000000000000000000000002-4", 206, "234", "bytes 2-4/10"},
		"backwards":             {"GET", "Range", "bytes=4-2", 416, "", ""},
		"negative":              {"GET", "Range", "bytes=--4", 416, "", ""},
		"the same":              {"GET", "If-None-Match", "ETAG", 304, "", ""},
		"the same, weak":        {"GET", "If-None-Match", `"x", W/ETAG`, 304, "", ""},
		"any":                   {"GET", "If-None-Match", "*", 304, "", ""},
		"another":               {"GET", "If-None-Match", `"x"`, 200, "0123456789", ""},
		"not newer":             {"GET", "If-Modified-Since", "Fri, 01 Jan 2100 00:00:00 GMT", 304, "", ""},
		"newer":                 {"GET", "If-Modified-Since", "Thu, 01 Jan 1970 00:00:00 GMT", 200, "0123456789", ""},
		"no date":               {"GET", "If-Modified-Since", "x", 200, "0123456789", ""},
		"not another":           {"GET", "If-Match", `"x"`, 412, "", ""},
		"not if it has changed": {"GET", "If-Unmodified-Since", "Thu, 01 Jan 1970 00:00:00 GMT", 412, "", ""},
	} {
		w := get(t, c.method, c.header, c.value)
		require.Equal(t, c.status, w.Code, name)
		if c.status < 400 {
			require.Equal(t, c.body, w.Body.String(), name)
			require.NotEmpty(t, w.Header().Get("ETag"), name)
		}
		if c.contentRange != "" || c.status == 200 {
			require.Equal(t, c.contentRange, w.Header().Get("Content-Range"), name)
		}
	}
	require.Equal(t, 206, get(t, "GET", "Range", "bytes=2-4", "If-Range", "ETAG").Code)
	require.Equal(t, 200, get(t, "GET", "Range", "bytes=2-4", "If-Range", `"x"`).Code)
	require.Equal(t, 200, get(t, "GET", "Range", "bytes=2-4", "If-Range", "W/ETAG").Code, "only what is the same byte by byte")
	several := get(t, "GET", "Range", "bytes=0-1,8-9")
	require.Equal(t, 206, several.Code)
	require.Contains(t, several.Header().Get("Content-Type"), "multipart/byteranges")
	require.Contains(t, several.Body.String(), "Content-Range: bytes 8-9/10")
}

// Of very many ranges, each of which there is, none is sent: that costs more than the file.
func TestManyRanges(t *testing.T) {
	content := strings.Repeat("0123456789", 10_000)
	ranges := func(n int) string {
		var parts []string
		for i := range n {
			parts = append(parts, fmt.Sprintf("%d-%d", 2*i, 2*i))
		}
		return "bytes=" + strings.Join(parts, ",")
	}
	require.Equal(t, 206, getOf(t, content, "GET", "Range", ranges(maxRanges)).Code)
	for _, n := range []int{maxRanges + 1, 10_000} {
		w := getOf(t, content, "GET", "Range", ranges(n))
		require.Equal(t, 200, w.Code)
		require.Equal(t, content, w.Body.String())
	}
}

// FuzzRange asks for any range: what comes is of the file, and not much more than it.
func FuzzRange(f *testing.F) {
	for _, header := range []string{"bytes=0-1", "bytes=-1,0-0", "Bytes = 1-2", "x", "bytes=0-0,1-1,,2-2"} {
		f.Add(header)
	}
	f.Fuzz(func(t *testing.T, header string) {
		w := get(t, "GET", "Range", header)
		require.Contains(t, []int{200, 206, 416}, w.Code)
		require.Less(t, w.Body.Len(), 5000)
		if w.Code == 200 {
			require.Equal(t, "0123456789", w.Body.String())
		}
	})
}
