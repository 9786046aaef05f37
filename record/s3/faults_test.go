package s3

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/rclone/gofakes3"
	"github.com/rclone/gofakes3/s3mem"
	"github.com/stretchr/testify/require"
)

// An upload that is cut off is an error and leaves no parts; tried again it is whole. One that is cut off once goes on by itself.
func TestCutOff(t *testing.T) {
	for name, size := range map[string]int{"single": 4 * mib, "parts": 12 * mib} {
		t.Run(name, func(t *testing.T) {
			srv := newServer(t, nil)
			x := srv.store()
			f := newFile(t, size)
			var fails atomic.Int32
			srv.between(func(w http.ResponseWriter, r *http.Request, to http.Handler) {
				n, ok := isPart(r)
				if r.Method == http.MethodPut && (n == "2" || !ok) && fails.Add(-1) >= 0 {
					cutOff(w, r)
					return
				}
				to.ServeHTTP(w, r)
			})
			fails.Store(tries)
			require.Error(t, x.Store(t.Context(), f))
			require.Zero(t, srv.uploads(f.Name))
			_, err := srv.backend.HeadObject(t.Context(), bucket, f.Name)
			require.Error(t, err)

			fails.Store(1)
			require.NoError(t, x.Store(t.Context(), f))
			srv.has(f.Name, f)
		})
	}
}

// Parts that a crash has left are removed when the file comes again, those of other objects are not.
func TestSweeps(t *testing.T) {
	srv := newServer(t, nil)
	x := srv.store()
	f := newFile(t, 6*mib)
	for _, name := range []string{f.Name, f.Name, f.Name + ".other"} {
		_, err := x.core.NewMultipartUpload(t.Context(), bucket, name, minio.PutObjectOptions{})
		require.NoError(t, err)
	}
	require.Equal(t, 2, srv.uploads(f.Name))
	require.NoError(t, x.Store(t.Context(), f))
	require.Zero(t, srv.uploads(f.Name))
	require.Equal(t, 1, srv.uploads(f.Name+".other"))
}

// damaging is a backend that keeps something else than it was sent.
type damaging struct {
	gofakes3.Backend
	damage func([]byte) []byte
}

func (d *damaging) PutObject(
	ctx context.Context, bucket, key string, meta map[string]string, in io.Reader, _ int64,
) (result gofakes3.PutObjectResult, err error) {
	data, err := io.ReadAll(in)
	if err != nil {
		return result, err
	}
	if d.damage != nil {
		data = d.damage(data)
	}
	return d.Backend.PutObject(ctx, bucket, key, meta, bytes.NewReader(data), int64(len(data)))
}

// A server that has not stored what it was sent is found out, and what it has is replaced when it works again.
func TestDamaged(t *testing.T) {
	for name, damage := range map[string]func([]byte) []byte{
		"truncated": func(b []byte) []byte { return b[:len(b)-1] },
		"altered":   func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
	} {
		for _, size := range []int{1000, 12 * mib} {
			t.Run(name, func(t *testing.T) {
				bad := &damaging{Backend: s3mem.New(), damage: damage}
				srv := newServer(t, bad)
				x := srv.store()
				f := newFile(t, size)
				require.ErrorIs(t, x.Store(t.Context(), f), ErrDiffers)
				require.ErrorIs(t, x.Store(t.Context(), f), ErrDiffers)
				bad.damage = nil
				require.NoError(t, x.Store(t.Context(), f))
				srv.has(f.Name, f)
			})
		}
	}
}

// An object that is gone when it is looked for is an error.
func TestLost(t *testing.T) {
	srv := newServer(t, nil)
	srv.between(func(w http.ResponseWriter, r *http.Request, to http.Handler) {
		if r.Method == http.MethodHead {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		to.ServeHTTP(w, r)
	})
	require.ErrorContains(t, srv.store().Store(t.Context(), newFile(t, 10)), "look for the object")
}

// What a server does not say is read back.
func TestReadsBack(t *testing.T) {
	for _, size := range []int{1000, 12 * mib} {
		bad := &damaging{Backend: s3mem.New()}
		srv := newServer(t, bad)
		srv.between(mute)
		x := srv.store()
		f := newFile(t, size)
		require.NoError(t, x.Store(t.Context(), f))
		gets, _ := srv.count(http.MethodGet)
		require.NoError(t, x.Store(t.Context(), f))
		again, _ := srv.count(http.MethodGet)
		require.Equal(t, 1, again-gets)

		f.Name += ".other"
		bad.damage = func(b []byte) []byte { b[0] ^= 1; return b }
		require.ErrorIs(t, x.Store(t.Context(), f), ErrDiffers)
	}
}

// mute answers to HEAD without what the server says of the data of an object.
func mute(w http.ResponseWriter, r *http.Request, to http.Handler) {
	if r.Method != http.MethodHead {
		to.ServeHTTP(w, r)
		return
	}
	said := httptest.NewRecorder()
	to.ServeHTTP(said, r)
	for name, values := range said.Header() {
		if name != "Etag" && !strings.HasPrefix(name, "X-Amz-Checksum-") {
			w.Header()[name] = values
		}
	}
	w.WriteHeader(said.Code)
}
