#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# deb.sh [FOLDER] - make the Debian source package and its binary packages of
# the tree as it is here, committed or not, in FOLDER (build-deb).
#
# The same tree makes the same packages to the octet: times are those of
# the changelog, and paths of this machine are left out by dpkg's own flags.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=${1:-build-deb}
changelog=packaging/debian/changelog
version=$(sed -n "s/^  version: '\(.*\)',/\1/p" meson.build)
packaged=$(dpkg-parsechangelog -l $changelog -S Version)
[ "${packaged%-*}" = "$version" ] || {
	echo "deb: $changelog says $packaged, meson.build $version" >&2
	exit 1
}
SOURCE_DATE_EPOCH=$(dpkg-parsechangelog -l $changelog -S Timestamp)
export SOURCE_DATE_EPOCH

rm -rf "$folder"
tree=$folder/epair-$version
mkdir -p "$tree"
git ls-files -z --cached --others --exclude-standard -- . ':!packaging/debian' |
	while IFS= read -r -d '' file; do
		[ ! -e "$file" ] || printf '%s\0' "$file"
	done | tar -c --null -T - | tar -x -C "$tree"
tar -c --sort=name --owner=0 --group=0 --numeric-owner --mode=go=rX,u+rw,a-s \
	--mtime="@$SOURCE_DATE_EPOCH" -C "$folder" "epair-$version" |
	xz -1 >"$folder/epair_$version.orig.tar.xz"
cp -a packaging/debian "$tree/debian"

(cd "$tree" && dpkg-buildpackage -us -uc) >"$folder/log" 2>&1 || {
	tail -n 40 "$folder/log" >&2
	exit 1
}
rm -rf "$tree"
ls "$folder"/*.deb
