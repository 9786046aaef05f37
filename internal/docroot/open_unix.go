//go:build unix

package docroot

import "syscall"

// noWait opens a pipe without waiting for whoever writes to it, and takes no terminal.
const noWait = syscall.O_NONBLOCK | syscall.O_NOCTTY
