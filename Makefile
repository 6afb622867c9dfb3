# chapi: `make test` checks everything; `make help` lists the rest.

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS  = -s -w -X main.version=$(VERSION)
GO      ?= go
TOOLS    = $(CURDIR)/.tools
SUDO     = $(shell [ "$$(id -u)" = 0 ] || echo sudo)

# The packages whose tests need neither a session nor a database: they run once
# more as a 32-bit program, so that no id is ever cut.
PURE = ./bot ./bot/render ./bot/render/chart ./bot/render/display ./bot/render/picture/... ./bot/render/replay ./bot/config ./commands ./commands/device ./commands/files ./commands/web ./adapters/telegram/... ./adapters/discord/... ./runner/screen

.PHONY: help build test tools cross test32 testarm lint bench soak fuzz release clean

help:
	@echo "build    ./chapi, static, for this machine"
	@echo "test     all tests with the race detector, cross builds, 32-bit tests"
	@echo "testarm  the transcripts with the program for a Raspberry Pi, in an emulator"
	@echo "lint     gofmt, vet, staticcheck, and golangci-lint if it is installed"
	@echo "bench    speed and memory, beside bare references"
	@echo "soak     the long forms: 200 kill points and more, long pastes, 1 GB through the emulator"
	@echo "fuzz     each fuzz target for 30 seconds"
	@echo "release  dist/: binaries for amd64, arm64 and arm (ARMv6)"

build:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o chapi .

# The race detector needs a C compiler; the tests use ps, mount, ffmpeg and an X
# server, and hold the screen of real programs against tmux's.
tools:
	@missing=""; \
	for tool in gcc:gcc ps:procps mount:mount git:git ffmpeg:ffmpeg \
		tmux:tmux vim:vim htop:htop mc:mc less:less nano:nano dialog:dialog whiptail:whiptail python3:python3 \
		/usr/libexec/ncurses-examples/worm:ncurses-examples \
		ffprobe:ffmpeg asciinema:asciinema more:util-linux \
		Xvfb:xvfb xdotool:xdotool xterm:xterm xev:x11-utils; do \
		command -v $${tool%%:*} >/dev/null || missing="$$missing $${tool##*:}"; \
	done; \
	test -e /usr/include/stdlib.h || missing="$$missing libc6-dev"; \
	if [ -n "$$missing" ]; then \
		echo "installing:$$missing"; \
		$(SUDO) apt-get update -q && $(SUDO) apt-get install -qy --no-install-recommends $$missing; \
	fi

test: tools
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "not formatted:"; gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(GO) vet ./...
	$(MAKE) --no-print-directory cross test32
	CGO_ENABLED=1 $(GO) test -race -parallel 6 -timeout 900s ./...

cross:
	CGO_ENABLED=0 GOOS=linux GOARCH=arm64 $(GO) build -o /dev/null .
	CGO_ENABLED=0 GOOS=linux GOARCH=arm GOARM=6 $(GO) build -o /dev/null .

test32:
	CGO_ENABLED=0 GOARCH=386 $(GO) test $(PURE)

# What a Raspberry Pi runs, on this machine. The emulator is told to the kernel.
testarm: tools
	@{ command -v qemu-arm-static && command -v update-binfmts; } >/dev/null || { \
		$(SUDO) apt-get update -q && $(SUDO) apt-get install -qy --no-install-recommends qemu-user-static binfmt-support; }
	@test -e /proc/sys/fs/binfmt_misc/register || $(SUDO) mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
	@test -e /proc/sys/fs/binfmt_misc/qemu-arm || $(SUDO) update-binfmts --enable qemu-arm
	CHAPI_ARCH=arm $(GO) test -count 1 -timeout 60m -parallel 2 -run TestTranscripts ./bot/daemon

lint:
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(GO) vet ./...
	test -x $(TOOLS)/staticcheck || GOBIN=$(TOOLS) $(GO) install honnef.co/go/tools/cmd/staticcheck@v0.8.2
	$(TOOLS)/staticcheck ./...
	@if command -v golangci-lint >/dev/null; then golangci-lint run; else echo "golangci-lint is not installed; skipped"; fi

bench: build
	$(GO) test -run '^$$' -bench . -benchtime 1s ./storage ./bot/render/... ./commands/camera ./commands/gui ./runner/...
	CHAPI_BENCH=1 $(GO) test -count 1 -timeout 60m -run TestBench -v ./bot/daemon

soak: tools
	CHAPI_SOAK=1 CGO_ENABLED=1 $(GO) test -race -count 1 -timeout 60m -run 'Crash|Paste' -v ./bot/daemon
	CHAPI_SOAK=1 $(GO) test -count 1 -timeout 60m -run MemoryIsBounded -v ./runner/screen

fuzz:
	@for target in $$(grep -rho --include='*_test.go' 'func Fuzz[A-Za-z]*' . | sort -u | sed 's/func //'); do \
		package=$$(grep -rl --include='*_test.go' "func $$target(" . | head -1 | xargs dirname); \
		echo "== $$target in $$package"; \
		$(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime 30s $$package || exit 1; \
	done

release:
	mkdir -p dist
	CGO_ENABLED=0 GOOS=linux GOARCH=amd64 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o dist/chapi-linux-amd64 .
	CGO_ENABLED=0 GOOS=linux GOARCH=arm64 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o dist/chapi-linux-arm64 .
	CGO_ENABLED=0 GOOS=linux GOARCH=arm GOARM=6 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o dist/chapi-linux-armv6 .
	cp LICENSE README.md config.example.yaml packaging/*.service packaging/*.rules dist/
	cp bot/render/picture/LICENSE-DejaVu dist/LICENSE-DejaVu
	cp bot/render/picture/unifont/LICENSE dist/LICENSE-Unifont
	cd dist && sha256sum chapi-linux-* > SHA256SUMS

clean:
	rm -rf chapi dist .tools
