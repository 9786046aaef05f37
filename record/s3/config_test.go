package s3

import (
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/stretchr/testify/require"

	"github.com/sluice-media/sluice/media"
	"github.com/sluice-media/sluice/record"
)

func TestConfig(t *testing.T) {
	good := Config{Endpoint: "localhost:9000", Bucket: "tapes", AccessKey: "a", SecretKey: "b"}
	for want, change := range map[string]func(*Config){
		"Endpoint is empty":              func(c *Config) { c.Endpoint = "" },
		`Endpoint "http://localhost"`:    func(c *Config) { c.Endpoint = "http://localhost" },
		`Endpoint "host/path"`:           func(c *Config) { c.Endpoint = "host/path" },
		`Bucket ""`:                      func(c *Config) { c.Bucket = "" },
		`Bucket "a/b"`:                   func(c *Config) { c.Bucket = "a/b" },
		"no credentials":                 func(c *Config) { c.AccessKey, c.SecretKey = "", "" },
		"belong together":                func(c *Config) { c.SecretKey = "" },
		"one is enough":                  func(c *Config) { c.Credentials = credentials.NewEnvAWS() },
		"Prefix begins with a slash":     func(c *Config) { c.Prefix = "/a" },
		"PartSize is not from 5 MiB":     func(c *Config) { c.PartSize = 5<<20 - 1 },
		"PartSize is not from 5 MiB to ": func(c *Config) { c.PartSize = 5<<30 + 1 },
		"StallTimeout is negative":       func(c *Config) { c.StallTimeout = -1 },
	} {
		bad := good
		change(&bad)
		_, err := New(bad)
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, "s3: Config")
	}
	x, err := New(good)
	require.NoError(t, err)
	require.NoError(t, x.Close())
	require.Equal(t, int64(16<<20), x.cfg.PartSize)
	require.Equal(t, 5*time.Minute, x.cfg.StallTimeout)
	good.AccessKey, good.SecretKey, good.Credentials = "", "", credentials.NewEnvAWS()
	_, err = New(good)
	require.NoError(t, err)
}

func TestContentType(t *testing.T) {
	for name, want := range map[string]string{"a/b.mp4": "video/mp4", "a.ts": "video/mp2t", "a": "application/octet-stream"} {
		require.Equal(t, want, contentType(record.File{Name: name}))
	}
}

// No file has more parts than servers take.
func TestPartSize(t *testing.T) {
	const gib = 1 << 30
	for _, size := range []int64{0, 1, 10 * gib, 160 * gib, 5 << 40} {
		n := partSize(size, defaultPartSize)
		require.GreaterOrEqual(t, n, int64(defaultPartSize))
		require.LessOrEqual(t, (size+n-1)/n, int64(maxParts))
	}
	require.Equal(t, int64(defaultPartSize), partSize(10*gib, defaultPartSize))
}

// What does not fit is left out.
func TestMetadata(t *testing.T) {
	long := media.StreamKey{App: "live", Name: strings.Repeat("é", 200)}
	require.Equal(t, map[string]string{"start": "1970-01-01T00:00:00.000Z"}, metadata(record.File{Stream: long, Start: time.Unix(0, 0)}))
}
