#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# same.sh [BUILD...] - the same seed gives the same run, whatever built it.
#
# Runs `epair run --sim` with each of ten seeds in each of the build folders, and
# compares what is captured and what is printed, octet by octet. Without
# arguments it builds the tool four times: by gcc and clang, with -O0 and -O3.
set -euo pipefail
cd "$(dirname "$0")/.."

builds=("$@")
if [ $# = 0 ]; then
	for cc in gcc clang; do
		for level in 0 3; do
			build=build-same-$cc-O$level
			[ -e "$build/build.ninja" ] ||
				CC="${CCACHE:-} $cc" meson setup "$build" \
					--buildtype=plain -Doptimization=$level -Dtests=false >/dev/null
			ninja -C "$build" >/dev/null
			builds+=("$build")
		done
	done
fi
kind=lwip
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
words='delay 10ms 3ms distribution normal loss 2% reorder 3% gap 4 duplicate 1% corrupt 0.5% ber 1e-5 rate 20mbit'

# run BUILD SEED A B
run() {
	"$1/cli/epair" run --sim --seed "$2" --time 20 --link-a "$words" --link-b "$words" \
		--qdisc-a fq-codel --capture "$work/new.pcapng" "$3" "$4" >"$work/new.text" 2>&1
	cat "$work/new.text" "$work/new.pcapng" | sha256sum
	rm "$work/new.pcapng"
}

[ "$("${builds[0]}/cli/epair" run --sim --time 0.001 lwip sink 2>&1 >/dev/null)" = "" ] || kind=
for seed in $(seq 10); do
	for build in "${builds[@]}"; do
		{
			[ -z "$kind" ] || run "$build" "$seed" \
				lwip:addr=10.0.0.1/24,ping=10.0.0.2,send=10.0.0.2,bytes=500k \
				lwip:addr=10.0.0.2/24
			run "$build" "$seed" source:rate=3000,count=10000,flows=9,size=900 echo
		} >"$work/$(basename "$build")"
		cmp "$work/$(basename "${builds[0]}")" "$work/$(basename "$build")" || {
			echo "same: seed $seed: $build is not as ${builds[0]}" >&2
			exit 1
		}
	done
done
echo "same: ten seeds, ${#builds[@]} builds${kind:+, with lwIP}"
