#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# check.sh - what can be said about the code without running it. Goes through
# all of it and fails at the end, so that one run shows everything.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

failed=0

# step NAME COMMAND... : quiet when all is well
step() {
	local name=$1 output
	shift
	if output=$("$@" 2>&1); then
		echo "check: $name: clean"
	else
		echo "$output"
		echo "check: $name: FAILED"
		failed=1
	fi
}

# files PATTERN... : ours, those not yet committed too
files() {
	git ls-files -z --cached --others --exclude-standard -- "$@" |
		while IFS= read -r -d '' file; do
			if [ -e "$file" ]; then printf '%s\0' "$file"; fi
		done
}

format() {
	files '*.[ch]' | xargs -0r clang-format --dry-run -Werror
}

# Every warning of both compilers. gcc finds some as it optimises; clang adds
# -Wthread-safety, and none by optimising.
compile() {
	local again=()
	[ -e "build-$1/build.ninja" ] && again=(--reconfigure)
	CC=$1 meson setup "build-$1" --buildtype="$2" -Dwerror=true \
		-Ddebug_checks=true "${again[@]}" && ninja -C "build-$1"
}

tidy() {
	# Only what is compiled: a file outside every meson.build has no flags.
	files 'src/*.c' 'cli/*.c' 'daemon/*.c' 'extcap/*.c' 'examples/*.c' |
		xargs -0r -n 1 -P "$(nproc)" clang-tidy --quiet -p build-clang
}

# A C++ program may use the library too.
cxx_headers() {
	local header status=0
	for header in include/epair/*.h; do
		echo "#include <epair/$(basename "$header")>" |
			clang -x c++ -Wall -Wextra -Werror -fsyntax-only -Iinclude - ||
			status=1
	done
	return "$status"
}

man_pages() {
	files 'man/*.[1-9]' | xargs -0r mandoc -T lint -W warning
}

scripts() {
	files '*.sh' .ci/run | xargs -0r shellcheck -S warning
}

step layers tools/layers.py
step format format
step shellcheck scripts
step man man_pages
step 'headers in C++' cxx_headers
step 'gcc -Werror' compile gcc debugoptimized
step 'clang -Werror' compile clang debug
step clang-tidy tidy
exit "$failed"
