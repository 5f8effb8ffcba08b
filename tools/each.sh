#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# each.sh FOLDER PROGRAM [ARG...] - run PROGRAM ARG... FILE for every file of
# FOLDER, and say in TAP how each went: exit 0 passed, 77 skipped, else failed.
folder=$1
shift
count=0
for file in "$folder"/*; do
	[ -f "$file" ] || continue
	count=$((count + 1))
	output=$("$@" "$file" 2>&1)
	status=$?
	# '#' would end the name of a case.
	name=$(basename "$file" | tr '#' '_')
	case $status in
	0) echo "ok $count - $name" ;;
	77) echo "ok $count - $name # SKIP $(echo "$output" | tail -n 1)" ;;
	*)
		echo "not ok $count - $name"
		echo "$output" | sed 's/^/# /'
		;;
	esac
done
echo "1..$count"
