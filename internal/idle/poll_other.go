//go:build !linux

package idle

import (
	"errors"
	"net"
)

const canPoll = false

// poll is there on Linux only.
type poll struct{}

func newPoll(func(number uint64)) (*poll, error) { return nil, errors.ErrUnsupported }
func (*poll) add(*net.TCPConn, uint64) error     { return errors.ErrUnsupported }
func (*poll) again(*net.TCPConn, uint64) error   { return errors.ErrUnsupported }
func (*poll) close()                             {}
