#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# deps.sh GROUP... - install what is missing of tools/packages.txt's groups.
#
# Touches nothing, and needs neither network nor root, when all is there. A
# package that is written src:NAME is a source package, unpacked in
# /usr/src/NAME; what is built of it is left out where that fails.
set -eu

list=$(dirname "$0")/packages.txt
missing=
sources=
for group; do
	for package in $(awk -v group="$group" '$1 == group { print $2 }' "$list"); do
		case $package in
		src:*)
			[ -d "/usr/src/${package#src:}" ] || sources="$sources ${package#src:}"
			continue
			;;
		esac
		status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || true
		[ "$status" = installed ] || missing="$missing $package"
	done
done
[ -n "$missing$sources" ] || exit 0

root=
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null || {
		[ -n "$missing" ] || exit 0
		echo "deps: neither root nor sudo; ask someone to install:$missing" >&2
		exit 1
	}
	root=sudo
fi
if [ -n "$missing" ]; then
	echo "deps: installing$missing"
	# tshark would ask whether everybody may capture; the default, no, is right.
	$root env DEBIAN_FRONTEND=noninteractive apt-get -qq update ||
		echo "deps: no fresh package lists; trying the old ones" >&2
	# shellcheck disable=SC2086 # a list of words
	$root env DEBIAN_FRONTEND=noninteractive \
		apt-get -qq -y --no-install-recommends install $missing >/dev/null
fi
for source in $sources; do
	echo "deps: fetching the source of $source"
	$root "$(dirname "$0")/source.sh" "$source" ||
		echo "deps: no source of $source; doing without it" >&2
done
