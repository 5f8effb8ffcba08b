#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Write the seeds in corpus/rss and corpus/offload.

    packets.py

They are frames of the shapes that matter, behind the few octets that
rss_fuzz.c and offload_fuzz.c describe; mutation does the rest. Checksums are
left 0: rss looks at none, and offload_fuzz.c puts the right sum in.
"""
import pathlib
import struct

HERE = pathlib.Path(__file__).parent / "corpus"
MACS = bytes.fromhex("02000000000b 02000000000a")


def ether(kind, l3, vlans=()):
    tags = b"".join(struct.pack("!HH", *v) for v in vlans)
    return MACS + tags + struct.pack("!H", kind) + l3


def ipv4(proto, l4, options=b"", fragment=0x4000, **how):
    words = 5 + len(options) // 4
    header = struct.pack("!BBHHHBBH4s4s", 0x40 | words, 0, 4 * words + len(l4), 1, fragment, 64,
                         proto, 0, bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2]))
    return ether(0x0800, header + options + l4, **how)


def ipv6(proto, l4, extensions=(), **how):
    rest, following = l4, proto
    for kind, body in reversed(extensions):
        rest = bytes([following]) + body + rest
        following = kind
    header = struct.pack("!IHBB16s16s", 6 << 28, len(rest), following, 64,
                         bytes.fromhex("fe80" + "00" * 13 + "01"),
                         bytes.fromhex("fe80" + "00" * 13 + "02"))
    return ether(0x86dd, header + rest, **how)


def tcp(payload, options=b"", flags=0x18):
    return struct.pack("!HHIIBBHHH", 40000, 80, 0xfffffff0, 1, (5 + len(options) // 4) << 4, flags,
                       8192, 0, 0) + options + payload


def udp(payload):
    return struct.pack("!HHHH", 40000, 53, 8 + len(payload), 0) + payload


DATA = bytes(range(100))
TIMESTAMP = bytes.fromhex("0101080a 00000001 00000002")
HOP = (0, bytes.fromhex("00 0104 00000000"))
ROUTING = (43, bytes.fromhex("00 0400 00000000"))
OPTIONS = (60, bytes.fromhex("01 010c") + bytes(12))
FRAGMENT = (44, bytes.fromhex("00 0001 00000001"))
QINQ = ((0x88a8, 100), (0x8100, 0x6007))

FRAMES = {
    "tcp4": ipv4(6, tcp(DATA, TIMESTAMP)),
    "tcp4-options-vlan": ipv4(6, tcp(DATA), options=b"\x94\x04\0\0", vlans=QINQ[1:]),
    "tcp4-fragment": ipv4(6, tcp(DATA), fragment=0x2000),
    "tcp4-urgent-fin": ipv4(6, tcp(DATA, flags=0xb9)),
    "tcp6": ipv6(6, tcp(DATA, TIMESTAMP)),
    "tcp6-extensions": ipv6(6, tcp(DATA), extensions=(HOP, ROUTING, OPTIONS), vlans=QINQ),
    "udp4": ipv4(17, udp(DATA)),
    "udp6": ipv6(17, udp(DATA), vlans=QINQ),
    "udp6-fragment": ipv6(17, udp(DATA), extensions=(HOP, FRAGMENT)),
    "arp": ether(0x0806, bytes.fromhex("0001080006040001") + bytes(20)),
}


def write(name, octets):
    path = HERE / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(octets)


def offload(name, frame):
    """Cut at 30 octets each, with octets put behind for a frame of some size."""
    is_tcp = name.startswith("tcp")
    # As in enum epair_gso.
    gso = {"tcp4": 1, "tcp6": 2, "udp4": 3, "udp6": 3}.get(name[:4], 0)
    if name == "tcp4-urgent-fin":
        gso |= 0x80
    start = frame.find(struct.pack("!H", 40000))
    return struct.pack("<BBHHHH", 3, gso, 30, max(start, 14), 16 if is_tcp else 6, 200)


for name, frame in FRAMES.items():
    write(f"rss/{name}", bytes([1, 8, 0, 3, 14, 21, 40]) + frame)
    write(f"offload/{name}", offload(name, frame) + bytes([3, 14, 21, 40]) + frame)
write("offload/largest", struct.pack("<BBHHHH", 3, 3, 1472, 34, 6, 65407) + b"\0" + FRAMES["udp4"])
write("offload/smallest", struct.pack("<BBHHHH", 3, 3, 1, 34, 6, 1948) + b"\0" + FRAMES["udp4"])
write("offload/checksum-only", struct.pack("<BBHHHH", 1, 0, 0, 34, 6, 0) + b"\1\x29" + FRAMES["udp4"])
