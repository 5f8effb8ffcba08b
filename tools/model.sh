#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# model.sh FILE.pml - verify a Spin model, then see each of its mutants fail.
#
# Every ltl claim of the file is verified on its own; a file without one is
# searched for assertions and invalid end states. A search that was cut short
# (depth, memory) has proved nothing and counts as a failure.
#
# A mutant is a word MUTANT... that the file asks for with #if, #ifdef or
# #ifndef: the same model with one thing left out. At least one must be there,
# and with each of them some claim must fail: a model that cannot fail says
# nothing.
#
# A comment in the file may add arguments:
#	pan: -f			weak fairness, for pan
#	cc: -DVECTORSZ=2048	for the compiler
set -eu

command -v spin >/dev/null || {
	echo "skipped: spin is not installed"
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
cc_arguments=$(argument cc)
claims=$(sed -n 's/^[ \t]*ltl  *\([A-Za-z_0-9]*\).*/\1/p' "$model")
mutants=$(grep -E '^[ \t]*# *(if|elif)' "$model" |
	grep -oE '\bMUTANT[A-Z_0-9]*' | sort -u)

# verify DEFINE... : prints what pan says; 0 if all hold, 1 if some claim is
# violated, exits if the search was cut short.
verify() {
	# shellcheck disable=SC2086 # the arguments are lists of words
	spin -a "$@" "$model" >spin.log 2>&1 || { cat spin.log; exit 1; }
	flags="-DMEMLIM=4096 -DNOREDUCE"
	[ -n "$claims" ] || flags="-DMEMLIM=4096 -DSAFETY"
	# shellcheck disable=SC2086
	${CC:-cc} -O2 -w $flags $cc_arguments -o pan pan.c
	for claim in ${claims:-none}; do
		how="-a -N $claim"
		[ "$claim" != none ] || how=
		# shellcheck disable=SC2086
		./pan -m1000000 $how $pan_arguments >pan.log 2>&1 || true
		if ! grep -q 'errors: 0$' pan.log && grep -q 'errors: [1-9]' pan.log; then
			cat pan.log
			return 1
		fi
		if ! grep -q 'errors: 0$' pan.log ||
		    grep -qE 'search depth too small|out of memory|Search not completed' pan.log; then
			cat pan.log
			echo "$model: $claim: the search was cut short"
			exit 1
		fi
		echo "$claim: $(grep -E 'states, stored' pan.log)"
	done
}

verify || { echo "$model: a claim is violated"; exit 1; }

[ -n "$mutants" ] || { echo "$model: has no mutant"; exit 1; }
for mutant in $mutants; do
	if verify "-D$mutant" >mutant.log; then
		cat mutant.log
		echo "$model: $mutant survives: the claims do not notice it"
		exit 1
	fi
	grep -q 'cut short' mutant.log && { cat mutant.log; exit 1; }
	echo "$mutant: fails, as it must"
done
