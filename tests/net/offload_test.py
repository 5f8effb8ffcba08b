#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What one end may send unfinished and the other cannot take is finished on the way.

     left                                                  right
    +--------+   kind   +-------------------+   kind   +--------+
    | stack  |==========| a    cable      b |==========| stack  |
    +--------+          +-------------------+          +--------+
    10.0.0.1, fd00::1                                  10.0.0.2, fd00::2

Every kind with every kind. Both stacks are Linux's: what they send in segments
of up to 64 KiB, with checksums left open, must arrive as it was sent, and no
stack may have found a checksum wrong. Where both ends take what the other may
send, nothing is cut on the way.
"""
import os
import re
import subprocess
import sys
import tempfile

import lab
from lab import Cable, Netns, check, equal, until

FOLDER = tempfile.mkdtemp(prefix="epair-offload-")
ADDRESSES = {"left": ("10.0.0.1", "fd00::1"), "right": ("10.0.0.2", "fd00::2")}


class Tap:
    takes = True
    more = ""

    def __init__(self, name):
        self.netns = Netns(name)
        self.dev = "epair0" + ("a" if name == "left" else "b")
        addr = "".join(f",addr={a}/{64 if ':' in a else 24}" for a in ADDRESSES[name])
        self.spec = f"tap:netns={name}{addr}{self.more}"

    def end(self):
        pass


class TapOff(Tap):
    takes = False
    more = ",offload=off"


class Veth(Tap):
    def __init__(self, name):
        super().__init__(name)
        self.spec = self.spec.replace("tap:", "veth:")


class Packet:
    takes = True
    more = ""

    def __init__(self, name):
        self.netns = Netns(name)
        self.dev = "eth"
        Netns("lab" + name)
        self.netns.ip("link", "add", "eth", "type", "veth", "peer", "name", "port",
                      "netns", "lab" + name)
        for addr in ADDRESSES[name]:
            self.netns.ip("addr", "add", addr + ("/64" if ":" in addr else "/24"), "dev", "eth",
                          *(("nodad",) if ":" in addr else ()))
        for netns, dev in ((name, "eth"), ("lab" + name, "port")):
            lab.run("ip", "-n", netns, "link", "set", dev, "up")
        self.spec = f"packet:dev=port,netns=lab{name}{self.more}"

    def end(self):
        pass


class PacketOff(Packet):
    takes = False
    more = ",offload=off"


class Socket(Tap):
    """What has no room for metadata, to another cable, and a TAP behind that."""

    takes = False
    ours = theirs = says = ""

    def __init__(self, name):
        super().__init__(name)
        self.dev = "epair0b"
        path = f"{FOLDER}/{name}"
        self.far = Cable(self.theirs + path, self.spec)
        self.spec = self.ours + path

    def end(self):
        self.far.close()


class Memif(Socket):
    theirs, ours = "memif:role=server,path=", "memif:path="


class Qemu(Socket):
    theirs, ours = "qemu:mode=server,path=", "qemu:path="


KINDS = [Tap, TapOff, Veth, Packet, PacketOff, Memif, Qemu]

# Both ways, over IPv4 and IPv6: TCP, and UDP in segments that are cut as late as can be.
TALK = """
import hashlib, socket, sys
way, addresses = sys.argv[1], sys.argv[2:]
octets = bytes((i * 31 + i // 251) % 256 for i in range(1500000))
digest = hashlib.sha256(octets).digest()
UDP_SEGMENT = 103

def take_tcp(conn):
    got = hashlib.sha256()
    while part := conn.recv(1 << 16):
        got.update(part)
    assert got.digest() == digest, "TCP: not what was sent"

def send_udp(udp, to):
    udp.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 1000)
    for i in range(3):
        udp.sendto(octets[i * 12000:i * 12000 + 12000], to)
    udp.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 0)
    for i in range(36, 40):
        udp.sendto(octets[:50 + i], to)

def take_udp(udp):
    for i in range(40):
        part, came_from = udp.recvfrom(2000)
        want = octets[i * 1000:i * 1000 + 1000] if i < 36 else octets[:50 + i]
        assert part == want, f"UDP: datagram {i} is not what was sent"
    return came_from

def udp_at(address):
    udp = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    udp.settimeout(10)
    udp.bind((address, 7))
    return udp

if way == "serve":
    here = [(socket.create_server((a, 7), family=socket.AF_INET6 if ":" in a else socket.AF_INET),
             udp_at(a)) for a in addresses]
    print("ready", flush=True)
    for tcp, udp in here:
        conn = tcp.accept()[0]
        take_tcp(conn)
        conn.sendall(octets)
        conn.close()
        send_udp(udp, take_udp(udp))
else:
    for far, near in zip(addresses[:2], addresses[2:]):
        conn = socket.create_connection((far, 7), timeout=10)
        conn.sendall(octets)
        conn.shutdown(socket.SHUT_WR)
        take_tcp(conn)
        udp = udp_at(near)
        send_udp(udp, (far, 7))
        take_udp(udp)
"""


def talk(left, right):
    server = right.netns.start(sys.executable, "-c", TALK, "serve", *ADDRESSES["right"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    equal(server.stdout.readline(), "ready\n", "the server")
    left.netns.run(sys.executable, "-c", TALK, "call", *ADDRESSES["right"], *ADDRESSES["left"])
    _, error = server.communicate(timeout=lab.SECONDS)
    equal(server.returncode, 0, error)


def wrong_sums(place):
    text = place.netns.run("nstat", "-asz")
    counts = re.findall(r"(\S*(?:InCsumErrors|IpInHdrErrors))\s+(\d+)", text)
    check(len(counts) >= 4, text)
    return [f"{name} {count}" for name, count in counts if count != "0"]


def every_pair_of(one, other):
    left, right = one("left"), other("right")
    cable = Cable(left.spec, right.spec)
    left.netns.reaches("10.0.0.2")
    talk(left, right)
    for place in left, right:
        equal(wrong_sums(place), [], f"checksums that {place.netns.name} found wrong")
    for end, stats in zip("ab", cable.settle()):
        for reason in ("tx-bad", "rx-offload", "rx-stack-error"):
            equal(stats.get("drop-" + reason, 0), 0, f"{reason} at {end}")
    if left.takes and right.takes:
        for place, end in ((left, "a"), (right, "b")):
            stats = cable.stats(end)
            equal(place.netns.link(place.dev)["stats64"]["rx"]["packets"],
                  stats["delivered"], f"frames that {place.netns.name} was given, uncut")
            check(stats["ibytes"] > 3000 * stats["ipackets"], "segments came cut:", stats)
    cable.close()
    for place in left, right:
        place.end()


def a_file_has_all_finished(one):
    """tshark is the judge: nothing is longer than the MTU, and every checksum is right."""
    left = one("left")
    path = f"{FOLDER}/file"
    cable = Cable(left.spec, "pcap:write=" + path)
    # To somebody who does not answer: ARP and NDP are not needed.
    for address, word in (("10.0.0.2", "-4"), ("fd00::2", "-6")):
        lab.run("ip", "-n", "left", word, "neigh", "add", address, "lladdr", "02:00:00:00:00:99",
                "dev", left.dev, "nud", "permanent")
    left.netns.run(sys.executable, "-c", """
import socket
for family, address in ((2, "10.0.0.2"), (10, "fd00::2")):
    udp = socket.socket(family, socket.SOCK_DGRAM)
    udp.connect((address, 7))
    udp.setsockopt(socket.IPPROTO_UDP, 103, 1000)
    for i in range(10):
        udp.send(bytes(12000))
    tcp = socket.socket(family, socket.SOCK_STREAM)
    tcp.setblocking(False)
    tcp.connect_ex((address, 7))
""")
    until(lambda: cable.stats("b")["ipackets"] > 2, "frames")
    cable.settle()
    cable.close()
    left.end()
    checks = [word for key in ("ip", "tcp", "udp")
              for word in ("-o", key + ".check_checksum:TRUE")]

    def count(what):
        return len(lab.run("tshark", "-r", path, *checks, "-Y", what, "-T", "fields", "-e",
                           "frame.number").split())
    equal(count("udp.length == 1008 && udp.checksum.status == Good"), 240, "datagrams")
    check(count("tcp.checksum.status == Good") >= 2, "no SYN")
    for wrong in ("ip.checksum.status == Bad", "udp.checksum.status == Bad",
                  "tcp.checksum.status == Bad", "frame.len > 1518"):
        equal(count(wrong), 0, wrong)


# Segments of 1000 octets with a tag of 802.1Q in place, as no socket but this one sends them:
# header of virtio-net, Ethernet, tag, IP, UDP or TCP with the pseudo-header's sum.
TAG = """
import socket, struct, sys
dev, DATA = sys.argv[1], 12000
UDP, TCP = 17, 6
out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
out.setsockopt(263, 15, 1)  # PACKET_VNET_HDR
out.bind((dev, 0))

def add(octets):
    total = sum(struct.unpack(f"!{len(octets) // 2}H", octets))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total

for version, gso in ((4, {UDP: 5, TCP: 1}), (6, {UDP: 5, TCP: 4})):
    for proto, gso_type in gso.items():
        family, kind = (socket.AF_INET, 0x0800) if version == 4 else (socket.AF_INET6, 0x86dd)
        ends = [socket.inet_pton(family, a) for a in
                (("10.0.0.1", "10.0.0.2") if version == 4 else ("fd00::1", "fd00::2"))]
        length, at = (8, 6) if proto == UDP else (20, 16)
        total = length + DATA
        sums = struct.pack("!H", add(b"".join(ends) + struct.pack("!2H", proto, total)))
        l4 = (struct.pack("!3H", 7, 7, total) + sums if proto == UDP else
              struct.pack("!2H2I2B H", 7, 7, 1, 1, 0x50, 0x10, 8192) + sums + bytes(2))
        if version == 4:
            l3 = struct.pack("!2B3H2B", 0x45, 0, 20 + total, 1, 0, 64, proto)
            whole = add(l3 + b"".join(ends))
            l3 += struct.pack("!H", whole ^ 0xffff) + b"".join(ends)
        else:
            l3 = struct.pack("!IH2B", 6 << 28, total, proto, 64) + b"".join(ends)
        l2 = bytes.fromhex("020000000099020000000001") + struct.pack("!3H", 0x8100, 7, kind)
        start = len(l2) + len(l3)
        vnet = struct.pack("=2B4H", 1, gso_type, start + length, 1000, start, at)
        out.send(vnet + l2 + l3 + l4 + bytes(DATA))
"""


def a_tag_is_in_each_segment(one):
    left = one("left")
    path = f"{FOLDER}/tagged"
    cable = Cable(left.spec, "pcap:write=" + path)
    left.netns.run(sys.executable, "-c", TAG, left.dev)
    until(lambda: cable.stats("b")["ipackets"] >= 4, "frames")
    cable.settle()
    cable.close()
    left.end()
    checks = [word for key in ("ip", "tcp", "udp")
              for word in ("-o", key + ".check_checksum:TRUE")]
    lengths = lab.run("tshark", "-r", path, *checks, "-Y", "vlan.id == 7 && "
                      "(udp.checksum.status == Good || tcp.checksum.status == Good)",
                      "-T", "fields", "-e", "frame.len").split()
    # Ethernet and the tag, IPv4 or IPv6, UDP or TCP, and what is in a segment.
    equal(sorted(map(int, lengths)),
          sorted([18 + ip + l4 + 1000 for ip in (20, 40) for l4 in (8, 20)] * 12), "segments")


def named(test, *kinds):
    def one():
        test(*kinds)
    one.__name__ = "_".join([test.__name__, *(kind.__name__.lower() for kind in kinds)])
    return one


lab.main([
    *(named(every_pair_of, one, other)
      for i, one in enumerate(KINDS) for other in KINDS[i:]),
    *(named(a_file_has_all_finished, kind) for kind in KINDS),
    *(named(a_tag_is_in_each_segment, kind) for kind in KINDS),
], needs=("nstat", "tshark"))
