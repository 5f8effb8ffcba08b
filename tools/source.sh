#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
#
# source.sh PACKAGE - unpack a Debian source package in /usr/src/PACKAGE.
#
# Reads lists of its own, made of the machine's but for deb-src: nothing of apt's
# configuration or state is changed. The signatures are checked as ever.
set -eu

package=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work" # apt fetches as a user of its own
mkdir "$work/sources" "$work/lists"

for file in /etc/apt/sources.list.d/*.sources; do
	[ -e "$file" ] || continue
	sed 's/^Types:.*/Types: deb-src/' "$file" >"$work/sources/$(basename "$file")"
done
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
	[ -e "$file" ] || continue
	sed -n 's/^deb /deb-src /p' "$file" >"$work/sources/$(basename "$file" .list).list"
done

cd "$work"
mkdir fetched
chmod 777 fetched
set -- -qq -o "Dir::Etc::SourceParts=$work/sources" -o Dir::Etc::SourceList=/dev/null \
	-o "Dir::State::Lists=$work/lists" -o "APT::Get::List-Cleanup=0"
# A list of sources that is not there is no reason not to try the others.
apt-get "$@" update || true
cd fetched
apt-get "$@" source --download-only "$package"
# apt has checked it: its list of sources is signed, and names its hash.
dpkg-source --no-check -x ./*.dsc "$work/unpacked" >/dev/null
rm -rf "/usr/src/$package"
mv "$work/unpacked" "/usr/src/$package"
