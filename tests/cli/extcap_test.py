#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The interfaces of a daemon in Wireshark: tshark lists them, captures, filters, and goes on."""
import contextlib
import os
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
