package s3

import (
	"errors"
	"fmt"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/s3utils"

	"github.com/sluice-media/sluice/record"
)

// Config configures a [Store]. Endpoint, Bucket and credentials are needed.
type Config struct {
	// Endpoint is the server: HOST or HOST:PORT, such as s3.amazonaws.com or minio.example.com:9000. It is spoken to by TLS.
	Endpoint string
	// PlainHTTP does without TLS.
	PlainHTTP bool
	// Bucket is where objects go. It must be there.
	Bucket string
	// Region of the bucket. If it is empty the server is asked, for which the credentials need s3:GetBucketLocation, once.
	Region string
	// BucketLookup is where a request names the bucket. The default is in the host name for Amazon, Google and Alibaba, and in the path for
	// others.
	BucketLookup minio.BucketLookupType

	// AccessKey and SecretKey are the credentials, with a SessionToken if they are for a time.
	AccessKey, SecretKey, SessionToken string
	// Credentials are there instead of these: from a file, the environment, an instance's role.
	Credentials *credentials.Credentials

	// Prefix stands in front of the name of each object, as it is: "cameras/" is a folder. The default is none.
	Prefix string
	// Name returns the name of the object of a file, without Prefix; two files of one name replace each other. It is called by the goroutines
	// that call Store, and must say the same each time. The default is File.Name.
	Name func(record.File) string
	// ContentType returns the media type of the object, and is called as Name is. The default is video/mp4 for .mp4, video/mp2t for .ts, and
	// application/octet-stream.
	ContentType func(record.File) string

	// PartSize is in bytes. A longer file is sent in parts of it, of which a failed one is sent again. It costs no memory. A file that would
	// have over 10,000 has longer ones. The default is 16 MiB; 5 MiB is the least that servers take, 5 GiB the most.
	PartSize int64
	// OmitChecksums sends no CRC-32C, for servers that refuse the headers of it. The MD5 is sent always.
	OmitChecksums bool
	// StallTimeout is how long nothing may move before a file is given up. The default is five minutes.
	StallTimeout time.Duration
	// Transport carries the requests. The default is one of the Store's own.
	Transport http.RoundTripper
}

const (
	defaultPartSize = 16 << 20
	minPartSize     = 5 << 20
	maxPartSize     = 5 << 30
	maxParts        = 10_000
	defaultStall    = 5 * time.Minute
)

var (
	errNoEndpoint   = errors.New("s3: Config.Endpoint is empty")
	errNoKeys       = errors.New("s3: Config has no credentials: AccessKey and SecretKey, or Credentials")
	errHalfKeys     = errors.New("s3: Config.AccessKey and SecretKey belong together")
	errTwoKeys      = errors.New("s3: Config has AccessKey and Credentials; one is enough")
	errPrefix       = errors.New("s3: Config.Prefix begins with a slash")
	errPartSize     = errors.New("s3: Config.PartSize is not from 5 MiB to 5 GiB")
	errStallTimeout = errors.New("s3: Config.StallTimeout is negative")
)

// withDefaults returns the configuration with what is not said in it.
func (c Config) withDefaults() (Config, error) {
	if c.PartSize == 0 {
		c.PartSize = defaultPartSize
	}
	if c.StallTimeout == 0 {
		c.StallTimeout = defaultStall
	}
	if c.Name == nil {
		c.Name = func(f record.File) string { return f.Name }
	}
	if c.ContentType == nil {
		c.ContentType = contentType
	}
	if err := c.check(); err != nil {
		return c, err
	}
	if c.Credentials == nil {
		c.Credentials = credentials.NewStaticV4(c.AccessKey, c.SecretKey, c.SessionToken)
	}
	return c, nil
}

// check says what cannot be.
func (c Config) check() error {
	static := c.AccessKey != "" || c.SecretKey != "" || c.SessionToken != ""
	switch {
	case c.Endpoint == "":
		return errNoEndpoint
	case static && c.Credentials != nil:
		return errTwoKeys
	case !static && c.Credentials == nil:
		return errNoKeys
	case static && (c.AccessKey == "" || c.SecretKey == ""):
		return errHalfKeys
	case strings.HasPrefix(c.Prefix, "/"):
		return errPrefix
	case c.PartSize < minPartSize || c.PartSize > maxPartSize:
		return errPartSize
	case c.StallTimeout < 0:
		return errStallTimeout
	}
	if err := s3utils.CheckValidBucketName(c.Bucket); err != nil {
		return fmt.Errorf("s3: Config.Bucket %q: %w", c.Bucket, err)
	}
	return nil
}

// contentType returns the media type of a recording.
func contentType(f record.File) string {
	switch path.Ext(f.Name) {
	case ".mp4":
		return "video/mp4"
	case ".ts":
		return "video/mp2t"
	}
	return "application/octet-stream"
}
