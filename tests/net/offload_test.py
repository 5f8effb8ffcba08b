#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What one end may send unfinished and the other cannot take is finished on the way.

     left                                                  right
    +--------+   kind   +-------------------+   kind   +--------+
    | stack  |==========| a    cable      b |==========| stack  |
    +--------+          +-------------------+          +--------+
    10.0.0.1, fd00::1                                  10.0.0.2, fd00::2

Every kind with every kind. Both stacks are Linux's, but for lwIP's: what they send
in segments of up to 64 KiB, with checksums left open, must arrive as it was sent,
and no stack may have found a checksum wrong. Where both ends take what the other
may send, nothing is cut on the way. talk.py says what is sent.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

import lab
from lab import Cable, Netns, check, equal, until

HERE = os.path.dirname(os.path.abspath(__file__))
TALK, FRONT = (sys.executable, HERE + "/talk.py"), (sys.executable, HERE + "/front.py")
FOLDER = tempfile.mkdtemp(prefix="epair-offload-")
ADDRESSES = {"left": ("10.0.0.1", "fd00::1"), "right": ("10.0.0.2", "fd00::2")}


def configure(netns, name):
    """The device eth of its own."""
    for addr in ADDRESSES[name]:
        netns.ip("addr", "add", addr + ("/64" if ":" in addr else "/24"), "dev", "eth",
                 *(("nodad",) if ":" in addr else ()))


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


class Callbacks(Tap):
    """Functions of a program, which has a TAP behind another pair."""

    kind = "callbacks"

    def __init__(self, name):
        super().__init__(name)
        self.dev = "eth"
        self.spec = f"{self.kind}:{self.spec},name=eth"


class CallbacksOff(Callbacks):
    takes = False
    kind = "callbacks-off"


class Packet:
    takes = True
    more = ""

    def __init__(self, name):
        self.netns = Netns(name)
        self.dev = "eth"
        Netns("lab" + name)
        self.netns.ip("link", "add", "eth", "type", "veth", "peer", "name", "port",
                      "netns", "lab" + name)
        configure(self.netns, name)
        for netns, dev in ((name, "eth"), ("lab" + name, "port")):
            lab.run("ip", "-n", netns, "link", "set", dev, "up")
        self.spec = f"packet:dev=port,netns=lab{name}{self.more}"

    def end(self):
        pass


class PacketOff(Packet):
    takes = False
    more = ",offload=off"


class Vhost:
    """A guest, whose stack is that of a namespace."""

    takes = True

    def __init__(self, name):
        self.netns = Netns(name)
        self.dev = "eth"
        path = f"{FOLDER}/{name}"
        self.front = self.netns.start(*FRONT, path, "eth", stdout=subprocess.PIPE, text=True)
        equal(self.front.stdout.readline(), "ready\n", "the front end")
        configure(self.netns, name)
        self.netns.ip("link", "set", "eth", "up")
        self.spec = f"vhost:mode=client,path={path}"

    def end(self):
        equal(self.front.wait(), 0, "the front end")


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


KINDS = [Tap, TapOff, Veth, Callbacks, Packet, Vhost, Memif, Qemu]
# What they are finished for is what they are for TapOff.
OFF = [CallbacksOff, PacketOff]


def talk(left, right):
    """How many tagged frames came at either."""
    server = right.netns.start(*TALK, "serve", right.dev, *ADDRESSES["right"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    equal(server.stdout.readline(), "ready\n", "the server")
    calling = left.netns.run(*TALK, "call", left.dev, *ADDRESSES["right"], *ADDRESSES["left"])
    served, error = server.communicate(timeout=lab.SECONDS)
    equal(server.returncode, 0, error)
    return int(calling), int(served)


def wrong_sums(place):
    text = place.netns.run("nstat", "-asz")
    counts = re.findall(r"(\S*(?:InCsumErrors|IpInHdrErrors))\s+(\d+)", text)
    check(len(counts) >= 4, text)
    return [f"{name} {count}" for name, count in counts if count != "0"]


def given(place):
    return place.netns.link(place.dev)["stats64"]["rx"]["packets"]


def every_pair_of(one, other):
    left, right = one("left"), other("right")
    cable = Cable(left.spec, right.spec)
    left.netns.reaches("10.0.0.2")
    tagged = talk(left, right)
    for place in left, right:
        equal(wrong_sums(place), [], f"checksums that {place.netns.name} found wrong")
    for end, stats in zip("ab", cable.settle()):
        for reason in ("tx-bad", "rx-offload", "rx-stack-error"):
            equal(stats.get("drop-" + reason, 0), 0, f"{reason} at {end}")
    if left.takes and right.takes:
        equal(tagged, (4, 4), "tagged frames, uncut")
        for place, end in ((left, "a"), (right, "b")):
            until(lambda place=place, end=end: given(place) == lab.heard(cable.stats(end)),
                  f"what {end} delivers to be what {place.netns.name} was given, uncut")
            stats = cable.stats(end)
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
    left.netns.run(*TALK, "tag", left.dev)
    until(lambda: cable.stats("b")["ipackets"] > 24, "frames")
    cable.settle()
    cable.close()
    left.end()
    frames = judged(path)
    plain = [f for f in frames if not f["vlan.id"]]
    equal(sum(f["udp.length"] == "1008" for f in plain), 240, "datagrams")
    check(sum(bool(f["tcp.checksum.status"]) for f in plain) >= 2, "no SYN")
    # Ethernet and the tag, IPv4 or IPv6, UDP or TCP, and what is in a segment.
    equal(sorted(int(f["frame.len"]) for f in frames if f["vlan.id"] == "7"),
          sorted([18 + ip + l4 + 1000 for ip in (20, 40) for l4 in (8, 20)] * 12), "segments")


def judged(path):
    """Frames of a file by tshark, which has found nothing wrong with one of them."""
    sums = {key: key + ".checksum.status" for key in ("ip", "tcp", "udp")}
    fields = ["frame.len", "udp.length", "vlan.id", *sums.values()]
    text = lab.run("tshark", "-r", path, "-T", "fields",
                   *(word for key in sums for word in ("-o", key + ".check_checksum:TRUE")),
                   *(word for field in fields for word in ("-e", field)))
    frames = [dict(zip(fields, line.split("\t"))) for line in text.splitlines()]
    for frame in frames:
        # 1 is good, and nothing is that it has no such checksum.
        check(all(frame[field] in ("", "1") for field in sums.values()), "wrong:", frame)
        check(int(frame["frame.len"]) <= 1518, "too long:", frame)
    return frames


def lwip_takes_and_gives(other):
    """It has no offload, and drops what has a checksum that is wrong; its echo comes back."""
    right = other("right")
    cable = Cable("lwip:addr=10.0.0.1/24,addr=fd00::1/64", right.spec)
    right.netns.reaches("10.0.0.1")
    right.netns.run(*TALK, "echo", *ADDRESSES["left"])
    equal(wrong_sums(right), [], "checksums that were found wrong")
    cable.close()
    right.end()


def lwip_and_lwip():
    cable = Cable("lwip:addr=10.0.0.1/24", "lwip:addr=10.0.0.2/24,send=10.0.0.1")
    cable.await_event("attachment epair0b send 10.0.0.1 port 7: 1048576 octets .*")
    cable.close()


def named(test, *kinds):
    def one():
        test(*kinds)
    one.__name__ = "_".join([test.__name__, *(kind.__name__.lower() for kind in kinds)])
    return one


try:
    lab.main([
        *(named(every_pair_of, one, other)
          for i, one in enumerate(KINDS) for other in KINDS[i:]),
        *(named(every_pair_of, Tap, kind) for kind in OFF),
        *(named(a_file_has_all_finished, kind) for kind in KINDS),
        *(named(lwip_takes_and_gives, kind) for kind in KINDS),
        lwip_and_lwip,
    ], needs=("nstat", "tshark"))
finally:
    shutil.rmtree(FOLDER)
