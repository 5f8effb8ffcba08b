#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# The Debian packages: made of this tree, without errors or warnings of lintian;
# installed on a clean system (chroot_test.sh), used, and purged.
#
# The clean system is made once for each set of dependencies, and kept in the
# build folder. It has nothing but what every Debian has; what our packages
# depend on lies beside it, as apt chose it.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
work=$BUILD_ROOT/packages
unset CC LD_LIBRARY_PATH MALLOC_PERTURB_ # the build's own

[ "$(id -u)" = 0 ] || { echo "a chroot takes root"; exit 77; }
for tool in dpkg-buildpackage dh lintian mmdebstrap; do
	command -v $tool >/dev/null || { echo "there is no $tool"; exit 77; }
done

# The suites of the tree are run anyway.
DEB_BUILD_OPTIONS=nocheck "$SOURCE_ROOT"/tools/deb.sh "$work/made" >/dev/null
lintian --allow-root --fail-on error,warning "$work"/made/*.changes

debs=("$work"/made/epair_*.deb "$work"/made/libepair*[0v]_*.deb)
depends=$(for deb in "${debs[@]}"; do dpkg-deb -f "$deb" Pre-Depends Depends; done |
	sed 's/^[A-Z][a-z-]*: *//; s/([^)]*)//g; s/|[^,]*//g' | tr ',' '\n' |
	tr -d ' ' | grep -vx 'libepair.*\|epair' | sort -u | tr '\n' ' ')
tools="iproute2 iputils-ping"
system=$work/system-$(echo "$depends $tools" | md5sum | cut -c 1-8).tar

if [ ! -e "$system" ]; then
	rm -f "$work"/system-*
	# shellcheck disable=SC2016 # hooks have $1 of their own
	mmdebstrap --quiet --variant=apt --dpkgopt=force-unsafe-io \
		--aptopt='Acquire::Languages "none"' \
		--customize-hook='mkdir "$1/srv/archives"' \
		--customize-hook="APT_CONFIG=\$MMDEBSTRAP_APT_CONFIG apt-get -qq -y \
			-o Dir::Cache::archives=\$1/srv/archives --download-only \
			--no-install-recommends install $depends $tools >/dev/null" \
		bookworm "$work/part.tar"
	mv "$work/part.tar" "$system"
fi

root=$(mktemp -d "$work/root.XXXXXX")
trap 'rm -rf --one-file-system "$root"' EXIT
tar -x -C "$root" -f "$system"
cp "${debs[@]}" "$root/srv/"
cp "$here/chroot_test.sh" "$root/srv/"

# What is mounted, started and made in there ends with it.
unshare --mount --net --pid --fork --kill-child -- bash -euc '
	mount --bind "$1" "$1"
	mount -t proc proc "$1/proc"
	mount -t tmpfs tmpfs "$1/run"
	mkdir -p "$1/dev/net"
	[ -e "$1/dev/net/tun" ] || mknod -m 600 "$1/dev/net/tun" c 10 200
	exec chroot "$1" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin \
		LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
		bash /srv/chroot_test.sh' - "$root"
