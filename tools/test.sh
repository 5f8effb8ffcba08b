#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# test.sh - everything `make test` runs, in three builds:
#
#	build		as released: every suite
#	build-asan	ASan and UBSan: what a machine without privileges can run
#	build-tsan	TSan: what has threads
#
# Ends with the one line `N passed, N failed, N skipped` over all of them, after
# the names of what failed or was skipped; kept in build/tally. Fails if anything
# failed.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

logs=()

# Words before every `meson test`.
prefix=()

# run FOLDER "SETUP OPTIONS" [SUITE...]
run() {
	local folder=$1 options=$2 again=() suites=()
	shift 2
	for suite; do
		suites+=(--suite "$suite")
	done
	[ -e "$folder/build.ninja" ] && again=(--reconfigure)
	rm -rf "$folder/meson-logs"

	echo "== $folder"
	# A folder that does not build leaves no log, and tally.py minds that.
	logs+=("$folder/meson-logs/testlog.junit.xml")
	# shellcheck disable=SC2086 # options is a list of words
	quiet meson setup "$folder" $options "${again[@]}" &&
		quiet ninja -C "$folder" || return
	"${prefix[@]}" meson test -C "$folder" --no-rebuild \
		--print-errorlogs "${suites[@]}"
	# Nor does meson where there was nothing to run, but that is no fault.
	[ -e "${logs[-1]}" ] || unset 'logs[-1]'
}

# Say something only when it failed.
quiet() {
	local output
	output=$("$@" 2>&1) || {
		echo "$output"
		return 1
	}
}

run build '--buildtype=release -Dtests=true'

# b_lundef: a sanitized shared library leaves its runtime to the program.
sanitized='--buildtype=debugoptimized -Ddebug_checks=true -Db_lundef=false'
run build-asan "$sanitized -Db_sanitize=address,undefined" \
	unit conformance fuzz oom life

# TSan of gcc 12 cannot live with as much address randomisation as some kernels
# give; a container may forbid us to switch it off, and may not need it.
setarch -R true 2>/dev/null && prefix=(setarch -R)
run build-tsan "$sanitized -Db_sanitize=thread" life

# One more thing for which there have to be several builds.
same=0
tools/same.sh build build-asan || same=1

mkdir -p build
tools/tally.py "${logs[@]}" >build/tally
status=$?
cat build/tally
[ "$same" = 0 ] || exit 1
exit "$status"
