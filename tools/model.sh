#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# model.sh FILE.pml - verify a Spin model, then see each of its mutants fail.
#
# First assertions and end states are searched, then each ltl claim by itself. A
# search that was cut short (depth, memory) has proved nothing: a failure.
#
# A mutant is a word MUTANT... that the file asks for with #if, #ifdef or
# #ifndef: the same model with one thing left out. At least one must be there,
# and every one must break something: a model that cannot fail says nothing.
#
# A comment line in the file may add arguments:
#	pan: -f -m2000000	fairness, depth: for the search
#	cc: -DVECTORSZ=2048	for the compiler
set -eu

command -v spin >/dev/null || {
	echo "spin is not installed"
	exit 77
}

model=$(realpath "$1")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

argument() {
	sed -n "s|^[ \t*/]*$1: *\(-[^*]*\).*|\1|p" "$model"
}
pan_arguments=$(argument pan)
depth=$(echo "$pan_arguments" | grep -o -- '-m[0-9]*') || true
cc_arguments=$(argument cc)
claims=$(sed -n 's/^[ \t]*ltl  *\([A-Za-z_0-9]*\).*/\1/p' "$model")
mutants=$(grep -E '^[ \t]*# *(if|elif)' "$model" |
	grep -oE '\bMUTANT[A-Z_0-9]*' | sort -u)

# search NAME "COMPILER ARGUMENTS" "PAN ARGUMENTS": over the pan.c at hand.
# 0: holds; 1: violated; exits when cut short.
search() {
	# shellcheck disable=SC2086 # lists of words
	${CC:-cc} -O2 -w -DMEMLIM=4096 $2 $cc_arguments -o pan pan.c || exit 2
	# shellcheck disable=SC2086
	./pan -m1000000 $3 >pan.log 2>&1 || true
	if grep -q 'errors: [1-9]' pan.log; then
		cat pan.log
		return 1
	fi
	if ! grep -q 'errors: 0$' pan.log ||
	    grep -qE 'depth too small|out of memory|not completed' pan.log; then
		cat pan.log
		echo "$model: $1: the search was cut short"
		exit 2
	fi
	echo "$1: holds,$(grep 'states, stored' pan.log)"
}

# verify [-DMUTANT...]: 0 if everything holds, 1 if something is violated.
verify() {
	spin -a "$@" "$model" >spin.log 2>&1 || {
		cat spin.log
		exit 2
	}
	search 'assertions and end states' '-DSAFETY -DNOCLAIM' "$depth" || return 1
	for claim in $claims; do
		search "$claim" '-DNFAIR=3' "-a -N $claim $pan_arguments" || return 1
	done
}

verify || { echo "$model: does not hold"; exit 1; }

[ -n "$mutants" ] || { echo "$model: has no mutant"; exit 1; }
for mutant in $mutants; do
	status=0
	(verify "-D$mutant") >mutant.log || status=$?
	case $status in
	0)
		cat mutant.log
		echo "$model: $mutant survives: no claim notices it"
		exit 1
		;;
	1) echo "$mutant: fails, as it must" ;;
	*)
		cat mutant.log
		echo "$model: $mutant could not be judged"
		exit 1
		;;
	esac
done
