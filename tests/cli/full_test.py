#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""epair run --full wait: who sends is held back, and nothing is lost."""
import fcntl
import json
import os
import socket
import struct
import termios

from harness import Running, Skip, case, folder, main, run, run_json, until

SLOW = ["--link-a", "rate 10mbit limit 20"]
FRAME = bytes(6) + b"\2\0\0\0\0\1\x88\xb5" + bytes(986)


@case
def source_is_held_back_and_nothing_is_dropped():
    args = ["--count", "400", "--link-a", "rate 50mbit limit 20", "source:size=1000", "sink"]
    a = run_json("run", *args)["interfaces"][0]["stats"]
    assert a["drops"].keys() == {"link-limit"} and a["waits"] == 0
    doc = run_json("run", "--full", "wait", *args)
    a, b = (end["stats"] for end in doc["interfaces"])
    assert a["drops"] == {} and a["opackets"] == b["delivered"] == 400
    assert a["waits"] > 0
    assert doc["interfaces"][0]["full"] == "wait"


@case
def replay_pauses_while_the_cable_is_full():
    count = 500
    with folder() as where:
        path = os.path.join(where, "r.pcap")
        with open(path, "wb") as file:
            file.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
            file.write((struct.pack("<IIII", 0, 0, len(FRAME), len(FRAME)) + FRAME) * count)
        for pace in "full", "100k":
            args = ["--sim", *SLOW, f"pcap:read={path},pace={pace}", "sink"]
            a = run_json("run", *args)["interfaces"][0]["stats"]
            assert a["drops"].keys() == {"link-limit"} and a["waits"] == 0
            a, b = (end["stats"] for end in
                    run_json("run", "--full", "wait", *args)["interfaces"])
            assert a["drops"] == {} and a["opackets"] == b["delivered"] == count, (a, b)
            assert a["waits"] > 10


@case
def lwip_keeps_its_segments_while_the_cable_is_full():
    octets = 1 << 20
    for ours, theirs, plen in ("10.0.0.1", "10.0.0.2", 24), ("fd00::1", "fd00::2", 64):
        args = ["--sim", *SLOW, f"lwip:addr={ours}/{plen},send={theirs},bytes={octets}",
                f"lwip:addr={theirs}/{plen}"]
        if "not in this build" in run("run", *args).err:
            raise Skip("lwIP is not in this build")
        for end in run_json("run", "--full", "wait", *args)["interfaces"]:
            stats = end["stats"]
            assert stats["drops"] == {}
            # No segment twice: headers, and less than half of it acknowledgements.
            assert octets < stats["obytes"] < octets * 1.1
        assert stats["delivered"] > 0
        a = run_json("run", *args)["interfaces"][0]["stats"]
        assert a["drops"].keys() == {"link-limit"}


@case
def datagrams_are_not_read_while_the_cable_is_full():
    count = 2000
    with folder() as where:
        path, mine = os.path.join(where, "d"), os.path.join(where, "m")
        with Running("-j", "--full", "wait", "--link-a", "rate 100mbit limit 20",
                     f"qemu:path={path},type=dgram,remote={mine}", "sink") as cable:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as guest:
                guest.bind(mine)
                until(lambda: os.path.exists(path), "a socket")
                for _ in range(count): # blocks while it is not read
                    guest.sendto(FRAME, path)
                until(lambda: unread(guest) == 0, "all of it read", 60)
                out, _ = cable.end()
    a, b = (end["stats"] for end in json.loads(out)["interfaces"])
    assert a["drops"] == {} and a["opackets"] == b["delivered"] == count, (a, b)
    assert a["waits"] > 10


def unread(guest):
    """Octets that the other side of a Unix socket has not read yet."""
    return struct.unpack("i", fcntl.ioctl(guest, termios.TIOCOUTQ, bytes(4)))[0]


@case
def stream_is_not_read_while_the_cable_is_full():
    count = 20000
    with folder() as where:
        path = os.path.join(where, "s")
        with Running("-j", "--full", "wait", "--link-a", "rate 300mbit limit 50",
                     f"qemu:path={path},mode=server,type=stream", "sink") as cable:
            with socket.socket(socket.AF_UNIX) as guest:
                guest.connect(path)
                # Blocks while it is not read: 20 MB do not fit anywhere.
                guest.sendall((struct.pack(">I", len(FRAME)) + FRAME) * count)
                until(lambda: unread(guest) == 0, "all of it read", 60)
                out, _ = cable.end()
    a, b = (end["stats"] for end in json.loads(out)["interfaces"])
    assert a["drops"] == {} and a["opackets"] == b["delivered"] == count, (a, b)
    assert a["waits"] > 10


@case
def what_the_cable_did_is_shown():
    done = run("run", "--count", "100", "--link-a", "rate 100mbit loss every 10", "--qdisc-a",
               "priq:limit=500", "source:size=1000", "sink")
    assert "link: loss every 10 rate 100mbit" in done.out
    assert "link sent 100 dropped 10" in done.out
    assert "qdisc sent 100 bytes 100000 dropped 0" in done.out
    assert "qdisc class 1 sent 100" in done.out
    doc = run_json("run", "--count", "100", "--link-a", "loss every 10", "--qdisc-a", "fq-codel",
                   "source:size=1000", "sink")
    assert doc["interfaces"][0]["impair"]["words"] == "loss every 10"
    assert doc["interfaces"][0]["impair"]["dropped"] == 10
    assert doc["interfaces"][0]["qdisc_stats"]["sent"] == 100
    assert "impair" not in doc["interfaces"][1]


@case
def wrong_way_is_named():
    assert "drop or wait" in run("run", "--full", "maybe", "source", "sink", status=2).err


main()
