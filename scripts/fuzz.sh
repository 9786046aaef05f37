#!/usr/bin/env bash
# Runs every fuzz target for the time given.
set -euo pipefail
time=${1:-10s}
grep -rlE '^func Fuzz' --include='*_test.go' . | while read -r file; do
	dir=$(dirname "$file")
	grep -oE '^func Fuzz[A-Za-z0-9_]+' "$file" | awk '{print $2}' | while read -r target; do
		echo "$dir $target"
		go test -C "$dir" -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 50x -parallel 1 . # it may be of a module of its own
	done
done
