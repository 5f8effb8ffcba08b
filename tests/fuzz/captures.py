#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Write the seeds in corpus/pcap and corpus/pcapng.

    captures.py

Capture files of every sort that the reader of the attachment `pcap` knows, and
some that it must refuse, behind the octet that pcap_fuzz.c describes; and
packets as pcapng_fuzz.c describes them.
"""
import pathlib
import struct

HERE = pathlib.Path(__file__).parent / "corpus"
ARP = bytes.fromhex("ffffffffffff 02000000000a 0806 0001080006040001") + bytes(32)


def pcap(order, magic, link=1, packets=((1, 2, ARP),)):
    out = struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 65535, link)
    for sec, frac, data in packets:
        out += struct.pack(order + "IIII", sec, frac, len(data), len(data)) + data
    return out


def block(order, kind, body):
    body += bytes(-len(body) % 4)
    size = struct.pack(order + "I", len(body) + 12)
    return struct.pack(order + "I", kind) + size + body + size


def options(order, *pairs):
    out = b""
    for code, value in pairs:
        out += struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)
    return out + bytes(4)


def section(order):
    return block(order, 0x0a0d0d0a, struct.pack(order + "IHHq", 0x1a2b3c4d, 1, 0, -1))


def interface(order, *pairs, link=1, snaplen=0):
    return block(order, 1, struct.pack(order + "HHI", link, 0, snaplen) + options(order, *pairs))


def packet(order, number, data, *pairs, kind=6, ticks=1 << 33):
    number = struct.pack(order + "HH", number, 7) if kind == 2 else struct.pack(order + "I", number)
    body = number + struct.pack(order + "IIII", ticks >> 32, ticks & 0xffffffff, len(data), len(data))
    return block(order, kind, body + data + bytes(-len(data) % 4) + options(order, *pairs))


def simple(order, data):
    return block(order, 3, struct.pack(order + "I", len(data)) + data)


def everything(order):
    flags = (2, struct.pack(order + "I", 2))
    return (section(order) + interface(order, (2, b"epair0a"), (9, b"\x09"))
            + interface(order, (9, b"\x8a"), (14, struct.pack(order + "q", -5)), (13, b"\x04"))
            + packet(order, 0, ARP, flags, (5, bytes(8)), (1, b"dropped (queue-full): late"))
            + block(order, 4, bytes(100)) + packet(order, 1, ARP)
            + packet(order, 0, ARP, kind=2) + simple(order, ARP)
            + block(order, 5, bytes(12)))


CAPTURES = {
    "pcap-us": pcap("<", 0xa1b2c3d4),
    "pcap-us-big": pcap(">", 0xa1b2c3d4),
    "pcap-ns": pcap("<", 0xa1b23c4d),
    "pcap-ns-big": pcap(">", 0xa1b23c4d, packets=((5, 6, ARP), (5, 7, b""))),
    "pcap-fcs": pcap("<", 0xa1b2c3d4, link=0x24000001),
    "pcap-cooked": pcap("<", 0xa1b2c3d4, link=113),
    "pcap-torn": pcap("<", 0xa1b2c3d4)[:-1],
    "pcap-too-long": pcap("<", 0xa1b2c3d4) + struct.pack("<IIII", 0, 0, 1 << 31, 60),
    "pcapng": everything("<"),
    "pcapng-big": everything(">"),
    "pcapng-both": everything("<") + everything(">"),
    "pcapng-torn": everything("<")[:-5],
    "pcapng-no-interface": section("<") + packet("<", 0, ARP),
    "pcapng-two-lengths": section("<") + interface("<")[:-4] + bytes(4),
    "pcapng-packet-too-long": section("<") + interface("<")
    + packet("<", 0, ARP).replace(struct.pack("<I", len(ARP)), b"\xff\xff\xff\xff", 1),
    "pcapng-huge": section("<") + struct.pack("<III", 6, 1 << 30, 0),
    "pcapng-skip": section("<") + struct.pack("<III", 10, 0xfffffffc, 0) + bytes(50),
    "pcapng-option-too-long": section("<") + block("<", 1, struct.pack("<HHIHH", 1, 0, 0, 9, 9999)),
    "neither": b"#!/bin/sh\necho\n",
}

PACKETS = {
    "one": bytes([0x3e, 3, 2]) + bytes(8) + b"abc" + b"hi",
    "dropped": bytes([0x05, 0, 13]) + bytes(range(8)) + b"dropped (x): ",
    "many": b"".join(bytes([i * 5 % 256, i % 7, i % 5]) + bytes(8) + bytes(i % 7) + b"x" * (i % 5)
                     for i in range(70)),
    "largest": bytes([0xff, 255, 255]) + b"\xff" * (8 + 255 + 255),
}

for folder, seeds in (("pcap", {name: b"\x06" + seed for name, seed in CAPTURES.items()}),
                      ("pcapng", PACKETS)):
    (HERE / folder).mkdir(parents=True, exist_ok=True)
    for name, seed in seeds.items():
        (HERE / folder / name).write_bytes(seed)
