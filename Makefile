# SPDX-License-Identifier: BSD-2-Clause
#
# A thin front: meson and ninja do the work and can be used without it,
# `meson setup FOLDER && ninja -C FOLDER`.

BUILD = build
PREFIX = /usr/local
FUZZ_SECONDS = 30
GROUPS = build run

.DEFAULT_GOAL = build
.PHONY: build deps run test check bench fuzz install deb clean help

# $(call setup,FOLDER): configure, or look again at what is installed by now.
setup = meson setup $1 $(if $(wildcard $1/build.ninja),--reconfigure)

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 12

build: $(BUILD)/build.ninja ## compile into build/
	@ninja -C $(BUILD)

$(BUILD)/build.ninja:
	@tools/deps.sh build
	@meson setup $(BUILD) --buildtype=release -Dtests=false

deps: ## install what is missing: make deps GROUPS="build test"
	@tools/deps.sh $(GROUPS)

run: ## install, compile, and show a cable at work
	@tools/deps.sh build run
	@$(MAKE) --no-print-directory build
	@$(BUILD)/cli/epair demo

test: ## install, compile, run every test, sanitizers too
	@tools/deps.sh build run test
	@tools/enter.sh tools/test.sh

check: ## layers, format, lint, warnings: what a reviewer should not have to say
	@tools/deps.sh build check
	@tools/check.sh

bench: ## measure, beside the peers
	@tools/deps.sh build bench
	@$(call setup,$(BUILD)) --buildtype=release
	@ninja -C $(BUILD)
	@$(BUILD)/bench/bench

fuzz: ## run each fuzz target for FUZZ_SECONDS
	@tools/deps.sh build fuzz
	@tools/fuzz.sh $(FUZZ_SECONDS)

# A folder of its own: an installed library knows no build folder. libdir: meson
# would guess lib64 where dpkg-dev is missing, and ld.so does not look there.
install: ## install under PREFIX; DESTDIR is honoured
	@tools/deps.sh build
	@$(call setup,build-install) --buildtype=release --prefix=$(PREFIX) --libdir=lib \
	    -Dtests=false -Drun_uninstalled=false
	@ninja -C build-install
	@DESTDIR="$(DESTDIR)" meson install -C build-install --no-rebuild
	@test -n "$(DESTDIR)" || ldconfig

deb: ## make the Debian packages in build-deb/
	@tools/deps.sh build deb
	@DEB_BUILD_OPTIONS=nocheck tools/deb.sh

clean: ## remove everything that was built here
	rm -rf build build-*
