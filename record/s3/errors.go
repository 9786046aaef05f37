package s3

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/minio/minio-go/v7"
)

var (
	// ErrNoBucket says that the server has no such bucket.
	ErrNoBucket = errors.New("s3: there is no such bucket")
	// ErrDenied says that the server does not accept the credentials, or does not let them do what is needed.
	ErrDenied = errors.New("s3: the server refuses the credentials")
	// ErrChanged says that the file has changed while it was stored, or is not as long as File.Size.
	ErrChanged = errors.New("s3: the file has changed")
	// ErrDiffers says that the server has another object than the file that was sent.
	ErrDiffers = errors.New("s3: what the server has stored is not the file")
	// ErrStalled says that nothing has moved for Config.StallTimeout.
	ErrStalled = errors.New("s3: nothing moves any more")
)

// answer returns what the server has answered, if the error is that.
func answer(err error) minio.ErrorResponse {
	var resp minio.ErrorResponse
	errors.As(err, &resp)
	return resp
}

// explain says what was being done, and marks errors that a host may want to tell apart.
func explain(doing string, err error) error {
	resp := answer(err)
	switch {
	case err == nil:
		return nil
	case resp.Code == minio.NoSuchBucket:
		return fmt.Errorf("%w: %s: %w", ErrNoBucket, doing, err)
	case resp.StatusCode == http.StatusForbidden || resp.StatusCode == http.StatusUnauthorized:
		return fmt.Errorf("%w: %s: %s: %w", ErrDenied, doing, resp.Code, err)
	}
	return fmt.Errorf("s3: %s: %w", doing, err)
}

// passes reports whether an error may be gone when the same is tried again at once.
func passes(err error) bool {
	if errors.Is(err, ErrChanged) {
		return false
	}
	resp := answer(err)
	switch resp.StatusCode {
	case 0, http.StatusRequestTimeout, http.StatusTooManyRequests:
		return true
	}
	return resp.StatusCode >= http.StatusInternalServerError || resp.Code == "RequestTimeout"
}
