#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# deps.sh GROUP... - install what is missing of tools/packages.txt's groups.
#
# Touches nothing, and needs neither network nor root, when all is there.
set -eu

list=$(dirname "$0")/packages.txt
missing=
for group; do
	for package in $(awk -v group="$group" '$1 == group { print $2 }' "$list"); do
		status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || true
		[ "$status" = installed ] || missing="$missing $package"
	done
done
[ -n "$missing" ] || exit 0

root=
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null || {
		echo "deps: neither root nor sudo; ask someone to install:$missing" >&2
		exit 1
	}
	root=sudo
fi
echo "deps: installing$missing"
# tshark would ask whether everybody may capture; the default, no, is right.
$root env DEBIAN_FRONTEND=noninteractive apt-get -qq update ||
	echo "deps: no fresh package lists; trying the old ones" >&2
# shellcheck disable=SC2086 # a list of words
$root env DEBIAN_FRONTEND=noninteractive \
	apt-get -qq -y --no-install-recommends install $missing >/dev/null
