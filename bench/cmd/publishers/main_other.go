//go:build !linux

// Command publishers runs on Linux only.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "publishers: this program needs Linux")
	os.Exit(1)
}
