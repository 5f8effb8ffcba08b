#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The interfaces of a daemon in Wireshark: tshark lists them, captures, filters, and goes on."""
import contextlib
import os
import signal
import struct
import subprocess

from daemon import Daemon
from harness import TIMEOUT, case, main, need, own_namespaces, until

EXTCAP = os.environ["EXTCAP"]

own_namespaces()


def put_in_place(environment):
    """To who is not root, Wireshark lets the folder be named; for root ours is put over it."""
    environment["WIRESHARK_EXTCAP_DIR"] = os.path.dirname(EXTCAP)
    if os.geteuid() != 0 or not os.environ.get("EPAIR_TEST_NAMESPACES"):
        return
    folders = subprocess.run(["tshark", "-G", "folders"], capture_output=True, text=True,
                             check=True).stdout
    place = next(line.split("\t")[-1] for line in folders.splitlines()
                 if line.startswith("Extcap path"))
    if not os.path.ismount(place):
        subprocess.run(["mount", "--bind", os.path.dirname(EXTCAP), place], check=True)


@contextlib.contextmanager
def world():
    """A daemon with one pair, and how tshark finds it."""
    need("tshark")
    with Daemon() as d:
        d.epair("create")
        d.epair("vnet", "add", "red")
        d.epair("create", "--vnet", "red")
        environment = dict(os.environ, EPAIRD_SOCKET=d.socket, HOME=d.folder.name)
        put_in_place(environment)
        # A capture is a thread more.
        d.threads = len(os.listdir(f"/proc/{d.process.pid}/task"))
        yield d, environment


def tshark(environment, *args):
    done = subprocess.run(["tshark", *args], env=environment, capture_output=True, text=True,
                          timeout=TIMEOUT, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def send(d, vnet, name, count, size=60):
    """Frames from one end of a pair, the other being UP; returns when all have crossed."""
    a, b = f"{vnet}/{name}a", f"{vnet}/{name}b"
    for end in a, b:
        d.epair("set", end, "up")
    d.epair("attach", b, "sink")
    d.epair("attach", a, f"source:count={count},size={size}")
    until(lambda: d.json("show", b)[0]["stats"]["delivered"] >= count, "all have arrived")
    d.epair("detach", a)
    d.epair("detach", b)


class Capturing:
    """tshark on an interface, its lines in a file."""

    def __init__(self, d, environment, interface, *args):
        self.d = d
        self.path = os.path.join(d.folder.name, "lines")
        with open(self.path, "wb") as out:
            self.process = subprocess.Popen(
                ["tshark", "-n", "-l", "-i", interface, "-T", "fields", "-e", "frame.len", *args],
                env=environment, stdout=out, stderr=subprocess.PIPE)

    def __enter__(self):
        until(self.captures, "it captures")
        return self

    def __exit__(self, *_):
        # It ends what it has started.
        self.process.terminate()
        self.process.communicate(timeout=TIMEOUT)
        until(lambda: self.threads() == 0, "the capture has ended")

    def captures(self):
        assert self.process.poll() is None, self.process.communicate()[1].decode()
        return self.threads() > 0

    def threads(self):
        return len(os.listdir(f"/proc/{self.d.process.pid}/task")) - self.d.threads

    def lines(self):
        with open(self.path, encoding="utf-8") as f:
            return f.read().split()


@case
def tshark_lists_every_interface():
    with world() as (_, environment):
        listed = tshark(environment, "-D")
        for name in "epair:epair0a", "epair:epair0b", "epair:red/epair0a", "epair:red/epair0b":
            assert f" {name} " in listed, listed


@case
def without_a_daemon_there_are_none():
    need("tshark")
    environment = dict(os.environ, EPAIRD_SOCKET="/epair/test/none")
    put_in_place(environment)
    assert "epair:" not in tshark(environment, "-D")


@case
def both_ends_are_captured():
    with world() as (d, environment):
        with Capturing(d, environment, "epair:red/epair0b") as c:
            send(d, "red", "epair0", 10)
            until(lambda: len(c.lines()) == 20, "each frame twice, sent and received")


@case
def a_side_and_a_filter_are_taken():
    with world() as (d, environment):
        for side, filtered, count in [("in", "greater 100", 5), ("out", "greater 100", 0),
                                      ("end", "less 100", 10)]:
            interface = "epair:epair0b"
            with Capturing(d, environment, interface, "-f", filtered, "-o",
                           f"extcap.epair_epair0b.side:{side}") as c:
                send(d, "vnet0", "epair0", 10)
                send(d, "vnet0", "epair0", 5, size=200)
                until(lambda: len(c.lines()) >= count, f"{side}: {count} frames")
                assert len(c.lines()) == count, (side, c.lines())
            d.epair("destroy", "epair0a")
            d.epair("create")


@case
def it_goes_on_after_the_pair_is_made_again():
    with world() as (d, environment):
        with Capturing(d, environment, "epair:epair0a") as c:
            send(d, "vnet0", "epair0", 3)
            until(lambda: len(c.lines()) == 6, "those of the first pair")
            d.epair("destroy", "epair0a")
            until(lambda: c.threads() == 0, "the capture has ended")
            d.epair("create")
            until(c.captures, "it captures again")
            send(d, "vnet0", "epair0", 4)
            until(lambda: len(c.lines()) == 14, "those of the second, too")


def blocks(octets):
    """The types of all blocks of a pcapng file, which must be whole."""
    types, at = [], 0
    while at < len(octets):
        kind, length = struct.unpack_from("<II", octets, at)
        assert struct.unpack_from("<I", octets, at + length - 4)[0] == length, f"at {at}"
        types.append(kind)
        at += length
    return types


def read_on(fd, octets):
    """What there is to read, behind the octets."""
    with contextlib.suppress(BlockingIOError):
        while more := os.read(fd, 1 << 20):
            octets += more


@case
def a_daemon_that_dies_tears_no_block():
    with Daemon() as d:
        fifo = os.path.join(d.folder.name, "fifo")
        os.mkfifo(fifo)
        threads = len(os.listdir(f"/proc/{d.process.pid}/task"))
        with subprocess.Popen([EXTCAP, "--extcap-interface", "epair:epair0a", "--capture",
                               "--fifo", fifo, "--socket", d.socket]) as extcap:
            reader, octets = os.open(fifo, os.O_RDONLY), bytearray()
            os.set_blocking(reader, False)

            def captures():
                return len(os.listdir(f"/proc/{d.process.pid}/task")) > threads

            d.epair("create")
            until(captures, "it captures")
            # More than there is room for on the way, which nobody reads.
            send(d, "vnet0", "epair0", 1000, size=1500)
            d.end(signal.SIGKILL)
            d.start()
            d.epair("create")
            until(lambda: read_on(reader, octets) or captures(), "it captures again")
            send(d, "vnet0", "epair0", 3)
            d.epair("destroy", "epair0a")
            # Of both ends, 100 octets each, and the last that there is.
            until(lambda: read_on(reader, octets) or
                  octets[-200:-196] == octets[-100:-96] == b"\5\0\0\0", "the statistics")
            extcap.terminate()
        os.close(reader)
    types = blocks(octets)
    assert types[:3] == [0x0A0D0D0A, 1, 1] and types.count(1) == 2, types[:10]
    assert types[-8:] == [6] * 6 + [5] * 2, types[-20:]


@case
def a_filter_is_checked():
    done = subprocess.run([EXTCAP, "--extcap-capture-filter", "icmp or arp"], capture_output=True,
                          check=True)
    assert done.stdout == b""
    done = subprocess.run([EXTCAP, "--extcap-capture-filter", "frob ("], capture_output=True,
                          check=True)
    assert done.stdout != b""


if __name__ == "__main__":
    main()
