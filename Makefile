# make test is what CI runs. It installs the real clients of the tests where it may.

BIN := $(CURDIR)/.bin
export PATH := $(BIN):$(PATH)

# What a host need not have has a module of its own, too, so that its dependencies are not those of the product.
MODULES := . record/s3 examples/gb28181

.PHONY: test clients tools fmt fmt-check vet vet-all lint unit fuzz soak bench

test: clients tools fmt-check vet vet-all lint unit

clients:
	@scripts/clients.sh

# The tools have a module of their own, so that the product's go.sum stays small.
tools: $(BIN)/golangci-lint $(BIN)/gofumpt

$(BIN)/golangci-lint: tools/go.mod
	go build -C tools -o $@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint

$(BIN)/gofumpt: tools/go.mod
	go build -C tools -o $@ mvdan.cc/gofumpt

fmt: tools
	gofumpt -w .

fmt-check: tools
	@bad="$$(gofumpt -l .)"; if [ -n "$$bad" ]; then echo "not formatted (make fmt):"; echo "$$bad"; exit 1; fi

vet:
	@for dir in $(MODULES); do echo "go vet in $$dir"; go vet -C $$dir ./... || exit 1; done

# The systems that the product is written for, besides the one it is built on; 386 for its int of 32 bits. The first time
# takes minutes, as the standard library is compiled for each.
vet-all:
	@for target in linux/386 linux/arm64 windows/amd64 darwin/arm64; do \
		echo "go vet for $$target"; \
		CGO_ENABLED=0 GOOS=$${target%/*} GOARCH=$${target#*/} go vet ./... || exit 1; \
	done

lint: tools
	@for dir in $(MODULES); do echo "golangci-lint in $$dir"; (cd $$dir && golangci-lint run ./...) || exit 1; done

unit:
	@for dir in $(MODULES); do echo "go test in $$dir"; go test -C $$dir -race -timeout 40m ./... || exit 1; done

# A short run of every fuzz target.
fuzz:
	@scripts/fuzz.sh 10s

# Kills a process that records 200 times for each kind, and has cameras in trouble 200 times while they are pulled:
# 25 of each kind, or SLUICE_SOAK_CYCLES of each, in as many runs as one likes.
soak:
	SLUICE_SOAK=1 go test -v -count=1 -timeout 30m -run '^TestKilled(HLS)?$$' ./record | grep -v '^ *---\|^=== '
	SLUICE_SOAK=1 go test -v -count=1 -timeout 30m -run '^(TestCamerasInTrouble|TestManyFFmpegs|TestFFmpegDiesWithTheServer)$$' ./relay | grep -v '^ *--- PASS\|^=== '

bench:
	go run ./bench
