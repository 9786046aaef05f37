//go:build !linux

// Command loadgen runs on Linux only.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "loadgen: this program needs Linux")
	os.Exit(1)
}
