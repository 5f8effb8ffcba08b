#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# What is installed is all that a program needs: the examples, and the one in
# libepair(3), are compiled by what pkg-config says and run. And man finds each
# call by its name.
set -eu

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
failed=0

DESTDIR=$stage/root meson install -C "$BUILD_ROOT" --no-rebuild --quiet

pc=$(find "$stage/root" -name epair.pc)
[ -n "$pc" ] || { echo "there is no shared library in this build"; exit 77; }
export PKG_CONFIG_PATH=${pc%/*} PKG_CONFIG_SYSROOT_DIR=$stage/root
read -ra flags < <(pkg-config --cflags --libs epair)
pkg-config --exists libepair || { echo "there is no libepair.pc"; failed=1; }
lib=$(find "$stage/root" -name libepair.so -printf '%h')

# The program between the first #include and the end of its display.
page=$(find "$stage/root" -name libepair.3)
sed -n '/^#include/,/^\.Ed/{/^\.Ed/q;s/\\e/\\/g;p}' "$page" >"$stage/libepair_3.c"

for source in "$SOURCE_ROOT"/examples/*.c "$stage/libepair_3.c"; do
	program=$stage/$(basename "$source" .c)
	# shellcheck disable=SC2086 # CC may be words
	if $CC -std=c11 -Wall -Wextra -Wpedantic -Werror "$source" -o "$program" \
		"${flags[@]}" && LD_LIBRARY_PATH=$lib "$program" >"$stage/out"; then
		echo "$(basename "$source"): $(tail -n 1 "$stage/out")"
	else
		echo "$(basename "$source"): FAILED"
		failed=1
	fi
done

man3=${page%/*}
for call in $(nm -D --defined-only "$lib/libepair.so" |
	sed -n 's/.* T \(epair_\w*\).*/\1/p'); do
	[ -s "$man3/$call.3" ] || {
		echo "there is no $call(3)"
		failed=1
	}
done
exit "$failed"
