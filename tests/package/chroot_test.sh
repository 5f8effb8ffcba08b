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

echo "start the daemon"
epaird 2>/tmp/said &
for _ in $(seq 1000); do
	epair show >/dev/null 2>&1 && break
	sleep 0.01
done

echo "lay a cable"
ip netns add red
ip netns add blue
epair create epair7 a.attach=tap:netns=red,addr=10.0.0.1/24 \
	b.attach=tap:netns=blue,addr=10.0.0.2/24
epair set epair7a up
epair set epair7b up
ip netns exec red ping -q -c 3 -i 0.01 10.0.0.2
# Whoever looks reads all of it: one who goes at the first match breaks the pipe.
epair metrics | grep '^epair_interface_receive_packets_total{' >/dev/null
extcap=$(find /usr/lib -path '*/wireshark/extcap/epair')
"$extcap" --extcap-interfaces | grep value=epair:epair7b >/dev/null

echo "remove it"
epair destroy epair7a
[ -z "$(epair show)" ]
[ -z "$(ip -n red link show type tun)" ]
kill %1
wait %1
ip netns del red
ip netns del blue

echo "purge"
dpkg --purge libepair-dev epair libepair0 >/dev/null
files >/tmp/after
diff /tmp/before /tmp/after
