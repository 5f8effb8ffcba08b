#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# fuzz.sh SECONDS [TARGET...] - run libFuzzer on each target, or on those named.
#
# What it finds interesting is kept in build-fuzz/corpus/TARGET, so that the
# next run goes on from there; what it breaks is left in build-fuzz/crash-... .
# Put the input of a mended bug into tests/fuzz/corpus/TARGET: `make test`
# replays that folder for ever.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=$1
shift
again=()
[ -e build-fuzz/build.ninja ] && again=(--reconfigure)
CC=clang meson setup build-fuzz -Dfuzz=true --buildtype=debugoptimized \
	-Ddebug_checks=true "${again[@]}" >/dev/null
ninja -C build-fuzz

targets=("$@")
if [ $# = 0 ]; then
	for program in build-fuzz/tests/fuzz-*; do
		[ -f "$program" ] && targets+=("${program#build-fuzz/tests/fuzz-}")
	done
fi

failed=0
for target in "${targets[@]}"; do
	echo "== fuzz-$target for $seconds s"
	found=build-fuzz/corpus/$target
	seeds=tests/fuzz/corpus/$target
	mkdir -p "$found"
	folders=("$found")
	[ -d "$seeds" ] && folders+=("$seeds")
	build-fuzz/tests/fuzz-"$target" -max_total_time="$seconds" -timeout=10 \
		-print_final_stats=1 -verbosity=0 \
		-artifact_prefix="build-fuzz/crash-$target-" "${folders[@]}" || failed=1
done
exit "$failed"
