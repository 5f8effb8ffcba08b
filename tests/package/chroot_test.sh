#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
#
# Run by package_test.sh in a clean system of its own, where /srv has our
# packages and, in archives/, all that they depend on.
set -euo pipefail
cd /srv

files() {
	find / -xdev \( -path /srv -o -path /proc -o -path /run -o -path /tmp \
		-o -path '/var/lib/dpkg/*' -o -path '/var/log/*' \
		-o -path '/var/cache/ldconfig/*' -o -path /etc/ld.so.cache \) \
		-prune -o -print | sort
}

dpkg -i archives/*.deb >/dev/null
files >/tmp/before

echo "install"
dpkg -i ./*.deb >/dev/null
epair --version
epair demo --in-process --time 0.2 >/dev/null

echo "lay a cable"
ip netns add red
ip netns add blue
mkfifo ready
epair run --ready-fd 3 tap:netns=red,addr=10.0.0.1/24 \
	tap:netns=blue,addr=10.0.0.2/24 3>ready >/tmp/said &
read -r _ <ready
ip netns exec red ping -q -c 3 -i 0.01 10.0.0.2
kill %1
wait %1
ip netns del red
ip netns del blue

echo "purge"
dpkg --purge libepair-dev epair libepair0 >/dev/null
files >/tmp/after
diff /tmp/before /tmp/after
