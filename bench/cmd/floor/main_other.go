//go:build !linux

// Command floor runs on Linux only.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "floor: this program needs Linux")
	os.Exit(1)
}
