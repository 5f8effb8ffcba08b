#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Guests that stop or take their memory away cost themselves only; and what they sent is
sent once, also if it was the tool that died.

     guest     front.py, DPDK         tool or daemon               bystander, on the
    +---------+    or QEMU    +-------------------------+          same worker
    |         |---------------| a    cable   b | source |          source === sink
    +---------+               +-------------------------+
"""
import json
import os
import signal
import socket
import struct
import sys
import tempfile
from contextlib import contextmanager

from daemon import Daemon
from harness import Running, case, folder, main, need, until

sys.path[:0] = [os.path.join(os.path.dirname(__file__), "..", name) for name in ("net", "vm")]
import front  # noqa: E402
import guest  # noqa: E402
from testpmd import Testpmd  # noqa: E402

RECONNECT = "mode=client,reconnect=20ms"


@contextmanager
def listening(path):
    with socket.socket(socket.AF_UNIX) as server:
        server.settimeout(20)
        server.bind(path)
        server.listen()
        yield server


def stats(d, name):
    return d.json("show", name)[0]["stats"]


@contextmanager
def bystander(d):
    """Its frames cross all the while, each of them, and go on at the end."""
    a, b = "epair90a", "epair90b"
    d.epair("create", "epair90", "a.attach=source:rate=20000", "b.attach=sink", "up=yes")

    def goes_on():
        before = stats(d, b)["ipackets"]
        until(lambda: stats(d, b)["ipackets"] > before + 2000, "the bystander's frames")
    goes_on()
    yield goes_on
    goes_on()
    for name in a, b:
        assert stats(d, name)["drops"] == {}, stats(d, name)


def takes_its_memory_away(server, is_told):
    """Amid traffic both ways, five times."""
    for _ in range(5):
        one = front.Front(server.accept()[0])
        until(one.receive, "frames to the guest")
        while one.send(*[bytes(front.HDR + 1000)] * 8) == 8:
            pass
        os.ftruncate(one.file, 0)
        is_told("Memory was taken away")
        assert one.sock.recv(1) == b"", "it did not hang up"
        one.sock.close()
    one = front.Front(server.accept()[0])
    until(one.receive, "frames to the next guest")
    one.sock.close()


@case
def memory_that_is_taken_away_costs_its_cable_of_the_daemon_only():
    with Daemon("--workers", "1") as d, folder() as where, listening(where + "/vm") as server, \
            bystander(d) as goes_on, d.client() as c:
        c.result("monitor")

        def is_told(why):
            while why not in json.dumps(c.line()):
                pass
            goes_on()
        d.epair("create", f"a.attach=vhost:path={where}/vm,{RECONNECT}",
                "b.attach=source:rate=20000", "up=yes")
        takes_its_memory_away(server, is_told)


@case
def memory_that_is_taken_away_does_not_end_the_tool():
    with folder() as where, listening(where + "/vm") as server, \
            open(where + "/log", "w+", encoding="utf-8") as log, \
            Running(f"vhost:path={where}/vm,{RECONNECT}", "source:rate=20000", stdout=log) as tool:
        seen = 0

        def said(why):
            with open(where + "/log", encoding="utf-8") as file:
                return file.read().count(why)

        def is_told(why):
            nonlocal seen
            until(lambda: said(why) > seen, "it is told")
            seen = said(why)
        takes_its_memory_away(server, is_told)
        tool.process.send_signal(signal.SIGINT)
        assert tool.process.wait(20) == 0


def stands_still(d, goes_on, pid, a, b):
    """The guest behind a is sent more than it takes, under either rule for a full cable."""
    os.kill(pid, signal.SIGSTOP)
    try:
        until(lambda: "rx-stack-full" in stats(d, a)["drops"], "what the guest does not take")
        goes_on()
        d.epair("set", b, "full", "wait")
        goes_on()
    finally:
        os.kill(pid, signal.SIGCONT)


@case
def a_guest_of_dpdk_that_is_stopped_holds_nobody_up():
    need("dpdk-testpmd")
    with Daemon("--workers", "1") as d, folder() as where, bystander(d) as goes_on:
        # It waits for us before it says anything.
        d.epair("create", "epair1", f"a.attach=vhost:path={where}/vm,{RECONNECT}",
                "b.attach=source:rate=50000", "up=yes")
        pmd = Testpmd(f"net_virtio_user0,path={where}/vm,server=1", "rxonly")
        try:
            pmd.ask("start")
            until(lambda: pmd.stats()["rx-packets"] > 1000, "frames to the guest")
            stands_still(d, goes_on, pmd.process.pid, "epair1a", "epair1b")
            before = pmd.stats()["rx-packets"]
            until(lambda: pmd.stats()["rx-packets"] > before + 1000, "frames to the guest again")
        finally:
            pmd.kill()


@case
def a_qemu_that_is_stopped_holds_nobody_up():
    need("qemu-system-x86_64")
    with Daemon("--workers", "1") as d, folder() as where, bystander(d) as goes_on, \
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as behind:
        behind.bind(where + "/behind")
        behind.settimeout(20)
        qemu = guest.hub(guest.stream_server(where + "/vm"),
                         f"dgram,local.type=unix,local.path={where}/q,"
                         f"remote.type=unix,remote.path={where}/behind")
        try:
            d.epair("create", "epair1", f"a.attach=qemu:path={where}/vm,reconnect=20ms",
                    "b.attach=source:rate=50000", "up=yes")
            behind.recv(2000)
            stands_still(d, goes_on, qemu.pid, "epair1a", "epair1b")
            # All that waited before it, and more.
            for _ in range(20000):
                behind.recv(2000)
        finally:
            qemu.kill()
            qemu.wait()


def frame(number):
    return struct.pack("!6s6sHQ38x", b"\2\0\0\0\0\1", b"\2\0\0\0\0\2", 0x88B5, number)


def number_of(octets):
    return struct.unpack_from("!Q", octets, 14)[0]


class Traffic:
    """Numbered frames both ways between a guest and the other end, a socket."""

    def __init__(self, one, other, path):
        self.one, self.other, self.path = one, other, path
        self.sent = [0, 0]
        self.came = [[], []]

    def go(self):
        for _ in range(50):
            self.turn()
        return min(map(len, self.came))

    def turn(self):
        numbers = range(self.sent[0], self.sent[0] + 16)
        self.sent[0] += self.one.send(*(bytes(front.HDR) + frame(i) for i in numbers))
        try:
            for _ in range(16):
                self.other.sendto(frame(self.sent[1]), self.path)
                self.sent[1] += 1
        except OSError:
            pass  # nobody is there, or has room
        self.take()

    def take(self):
        self.came[1] += [number_of(octets[front.HDR:]) for octets in self.one.receive()]
        try:
            while True:
                self.came[0].append(number_of(self.other.recv(2000)))
        except BlockingIOError:
            pass


@case
def a_tool_that_is_killed_has_carried_nothing_twice():
    """And its guest goes on with the next, by what it noted to be in flight."""
    with folder() as where, listening(where + "/vm") as server, \
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.bind(where + "/other")
        other.setblocking(False)
        traffic = None
        for _ in range(4):
            with Running(f"vhost:path={where}/vm,{RECONNECT}",
                         f"qemu:type=dgram,path={where}/e,remote={where}/other",
                         "--queues", "1") as tool:
                sock = server.accept()[0]
                if traffic is None:
                    traffic = Traffic(front.Front(sock), other, where + "/e")
                else:
                    traffic.one.connect(sock)
                enough = min(map(len, traffic.came)) + 1000
                until(lambda t=traffic, enough=enough: t.go() > enough, "frames both ways")
                tool.process.kill()
                tool.process.wait()
                traffic.one.sock.close()
            traffic.take()
        for way, came in enumerate(traffic.came):
            assert len(set(came)) == len(came), "a frame came twice"
            assert came == sorted(came), "out of order"
            print(f"# {len(came)} of {traffic.sent[way]} frames came")


main()
