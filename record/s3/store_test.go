package s3

import (
	"context"
	"crypto/md5"
	"encoding/base64"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/rclone/gofakes3"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/record"
)

// A file is stored under its name, with what it is of, and a second time it is not sent.
func TestStore(t *testing.T) {
	for name, size := range map[string]int{"empty": 0, "small": 1234, "one part": minPartSize, "parts": 12 * mib} {
		t.Run(name, func(t *testing.T) {
			for _, omit := range []bool{false, true} {
				srv := newServer(t, nil, gofakes3.WithV4Auth(map[string]string{accessKey: secretKey}))
				x := srv.store(func(c *Config) { c.OmitChecksums = omit })
				f := newFile(t, size)
				require.NoError(t, x.Store(t.Context(), f))
				srv.has(f.Name, f)
				require.Zero(t, srv.uploads(f.Name))
				_, about := srv.object(f.Name)
				require.Equal(t, "video/mp4", about["Content-Type"])
				require.Equal(t, "__defaultVhost__/live/cam%20%C3%A9/1", about["X-Amz-Meta-Stream"])
				require.Equal(t, "2026-11-27T12:00:00.250Z", about["X-Amz-Meta-Start"])
				require.Equal(t, "61500", about["X-Amz-Meta-Length-Ms"])

				puts, sent := srv.count(http.MethodPut)
				require.GreaterOrEqual(t, sent, int64(size))
				require.NoError(t, x.Store(t.Context(), f))
				again, sentAgain := srv.count(http.MethodPut)
				require.Equal(t, puts, again)
				require.Equal(t, sent, sentAgain)
			}
		})
	}
}

// An object that was sent in other parts is known, too.
func TestStoredInOtherParts(t *testing.T) {
	srv := newServer(t, nil)
	f := newFile(t, 12*mib)
	require.NoError(t, srv.store().Store(t.Context(), f))
	puts, _ := srv.count(http.MethodPut)
	for _, size := range []int64{6 * mib, 64 * mib} {
		require.NoError(t, srv.store(func(c *Config) { c.PartSize = size }).Store(t.Context(), f))
	}
	again, _ := srv.count(http.MethodPut)
	require.Equal(t, puts, again)
}

// Another object of that name is replaced, be it as long or not.
func TestReplaces(t *testing.T) {
	srv := newServer(t, nil)
	x := srv.store()
	f := newFile(t, 100)
	require.NoError(t, x.Store(t.Context(), f))
	for _, size := range []int{100, 101} {
		require.NoError(t, os.WriteFile(f.Path, make([]byte, size), 0o600))
		f.Size = int64(size)
		require.NoError(t, x.Store(t.Context(), f))
		srv.has(f.Name, f)
	}
}

// The host names objects, and says of what type they are.
func TestNames(t *testing.T) {
	srv := newServer(t, nil)
	x := srv.store(func(c *Config) {
		c.Prefix = "cameras/"
		c.Name = func(f record.File) string { return f.Stream.Name + " +%?.bin" }
		c.ContentType = func(record.File) string { return "application/x-tape" }
	})
	f := newFile(t, 10)
	require.NoError(t, x.Store(t.Context(), f))
	name := "cameras/cam é/1 +%?.bin"
	srv.has(name, f)
	_, about := srv.object(name)
	require.Equal(t, "application/x-tape", about["Content-Type"])

	x.cfg.Name = func(record.File) string { return "\xff" }
	require.ErrorContains(t, x.Store(t.Context(), f), "cannot be the name of an object")
}

// A file that is not as it is said to be, or changes, is an error.
func TestChanged(t *testing.T) {
	srv := newServer(t, nil)
	x := srv.store()
	f := newFile(t, 12*mib)
	longer := f
	longer.Size++
	require.ErrorIs(t, x.Store(t.Context(), longer), ErrChanged)
	gone := f
	gone.Path += ".not"
	require.ErrorIs(t, x.Store(t.Context(), gone), os.ErrNotExist)

	change := func(do func()) {
		srv.between(func(w http.ResponseWriter, r *http.Request, to http.Handler) {
			if n, ok := isPart(r); ok && n == "2" {
				do()
			}
			to.ServeHTTP(w, r)
		})
		require.ErrorIs(t, x.Store(t.Context(), f), ErrChanged)
		require.Zero(t, srv.uploads(f.Name))
	}
	change(func() { require.NoError(t, os.Chtimes(f.Path, time.Now(), time.Now().Add(time.Hour))) })
	_, err := srv.backend.DeleteObject(t.Context(), bucket, f.Name)
	require.NoError(t, err)
	change(func() { require.NoError(t, os.Truncate(f.Path, 6*mib)) })
}

// What is wrong with the credentials or the bucket is said.
func TestRefused(t *testing.T) {
	srv := newServer(t, nil, gofakes3.WithV4Auth(map[string]string{accessKey: secretKey}))
	for name, c := range map[string]struct {
		set  func(*Config)
		is   error
		text string
	}{
		"key":    {func(c *Config) { c.AccessKey = "other" }, ErrDenied, "InvalidAccessKeyId"},
		"secret": {func(c *Config) { c.SecretKey = "other" }, ErrDenied, "SignatureDoesNotMatch"},
		"bucket": {func(c *Config) { c.Bucket = "nowhere" }, ErrNoBucket, "bucket does not exist"},
	} {
		for _, region := range []string{"", "us-east-1"} {
			for _, size := range []int{10, 6 * mib} {
				t.Run(name+" "+region, func(t *testing.T) {
					err := srv.store(c.set, func(c *Config) { c.Region = region }).Store(t.Context(), newFile(t, size))
					require.ErrorIs(t, err, c.is)
					require.ErrorContains(t, err, c.text)
					var resp minio.ErrorResponse
					require.ErrorAs(t, err, &resp)
				})
			}
		}
	}
}

// An end of the context ends an upload soon, and leaves no parts.
func TestCanceled(t *testing.T) {
	srv := newServer(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	over := make(chan struct{})
	srv.between(func(w http.ResponseWriter, r *http.Request, to http.Handler) {
		if n, ok := isPart(r); ok && n == "2" {
			_, _ = io.CopyN(io.Discard, r.Body, mib)
			cancel()
			<-over
			return
		}
		to.ServeHTTP(w, r)
	})
	begun := time.Now()
	f := newFile(t, 12*mib)
	err := srv.store().Store(ctx, f)
	close(over)
	require.ErrorIs(t, err, context.Canceled)
	require.Less(t, time.Since(begun), 10*time.Second)
	require.Zero(t, srv.uploads(f.Name))
}

// A server that takes nothing any more is given up.
func TestStalled(t *testing.T) {
	srv := newServer(t, nil)
	over := make(chan struct{})
	srv.between(func(w http.ResponseWriter, r *http.Request, to http.Handler) {
		if r.Method == http.MethodPut {
			<-over
			return
		}
		to.ServeHTTP(w, r)
	})
	err := srv.store(func(c *Config) { c.StallTimeout = 300 * time.Millisecond }).Store(t.Context(), newFile(t, 12*mib))
	close(over)
	require.ErrorIs(t, err, ErrStalled)
}

// By TLS the data are not signed; the sums say what they are.
func TestTLS(t *testing.T) {
	srv := newServer(t, nil, gofakes3.WithV4Auth(map[string]string{accessKey: secretKey}))
	h := httptest.NewTLSServer(srv)
	defer h.Close()
	srv.between(func(w http.ResponseWriter, r *http.Request, to http.Handler) {
		if r.Method == http.MethodPut {
			assert.Equal(t, "UNSIGNED-PAYLOAD", r.Header.Get("X-Amz-Content-Sha256"))
			assert.NotEmpty(t, r.Header.Get("Content-Md5"))
			assert.NotEmpty(t, r.Header.Get(checksumHeader))
		}
		to.ServeHTTP(w, r)
	})
	x := srv.store(func(c *Config) {
		c.PlainHTTP, c.Endpoint, c.Transport = false, strings.TrimPrefix(h.URL, "https://"), h.Client().Transport
	})
	for _, size := range []int{100, 6 * mib} {
		f := newFile(t, size)
		require.NoError(t, x.Store(t.Context(), f))
		srv.has(f.Name, f)
	}
}

// The ETag that Amazon S3 has for what was sent in parts is known: nothing is read back then.
func TestETagOfParts(t *testing.T) {
	srv := newServer(t, nil)
	var parts []byte // the MD5s of them
	srv.between(func(w http.ResponseWriter, r *http.Request, to http.Handler) {
		if _, ok := isPart(r); ok {
			sum, err := base64.StdEncoding.DecodeString(r.Header.Get("Content-Md5"))
			assert.NoError(t, err)
			parts = append(parts, sum...)
		}
		if r.Method != http.MethodHead {
			to.ServeHTTP(w, r)
			return
		}
		said := httptest.NewRecorder()
		to.ServeHTTP(said, r)
		maps.Copy(w.Header(), said.Header())
		w.Header().Set("Etag", fmt.Sprintf(`"%x-%d"`, md5.Sum(parts), len(parts)/md5.Size))
		w.WriteHeader(said.Code)
	})
	x, f := srv.store(), newFile(t, 12*mib)
	for range 2 {
		require.NoError(t, x.Store(t.Context(), f))
		require.Len(t, parts, 3*md5.Size)
		gets, _ := srv.count(http.MethodGet)
		require.Equal(t, 1, gets, "for what a crash has left")
	}
}
