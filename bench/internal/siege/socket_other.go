//go:build !linux

package siege

import (
	"errors"
	"syscall"
)

func raiseLimit(int) error { return errors.ErrUnsupported }

func narrow(_, _ string, _ syscall.RawConn) error { return errors.ErrUnsupported }
