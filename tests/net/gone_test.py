#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What an interface stands on goes, at the worst time: it stays, and says so.

     red                                           blue
    +---------+   TAP    +-----------------+  TAP   +---------+
    | epair0a |==========| a  cable  b     |========| epair0b |
    +---------+          +-----------------+        +---------+
     ip netns del red     detach, kill -9            ip link del epair0b
"""
import os
import signal
import subprocess
import time

import lab
from lab import Cable, Failure, Netns, check, equal, until

RED = "tap:netns=red,addr=10.0.0.1/24"
BLUE = "tap:netns=blue,addr=10.0.0.2/24"


def lab_with(*options, a=RED, b=BLUE):
    red, blue = Netns("red"), Netns("blue")
    return red, blue, Cable(a, b, *options)


class Flood:
    """Pings as fast as they go, whatever comes of them."""

    def __init__(self, netns, address):
        self.process = netns.start("ping", "-f", "-q", address, stdout=-3, stderr=-3)

    def stop(self):
        self.process.kill()
        self.process.wait()


def idle_cpu(process):
    """Seconds of CPU that it takes in one of its idleness."""
    def used():
        fields = open(f"/proc/{process.pid}/stat").read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    before = used()
    time.sleep(0.5)
    return (used() - before) * 2


def a_deleted_device_is_told_and_can_be_attached_anew():
    red, blue, cable = lab_with("-q", "2", "-w", "2")
    flood = Flood(blue, "10.0.0.1")
    blue.reaches("10.0.0.1")
    red.ip("link", "del", "epair0a")
    cable.await_event("detach epair0a device epair0a was deleted")
    equal(cable.stats("a")["attached"], 0)
    cable.ask("attach a " + RED)
    blue.reaches("10.0.0.1")
    flood.stop()
    cable.close()


def a_deleted_namespace_takes_its_device_along():
    red, blue, cable = lab_with()
    flood = Flood(blue, "10.0.0.1")
    blue.reaches("10.0.0.1")
    red.delete()
    cable.await_event("detach epair0a namespace red was deleted")
    flood.stop()
    check(idle_cpu(cable.process) < 0.2, "it spins")
    Netns("red")
    cable.ask("attach a " + RED)
    blue.reaches("10.0.0.1")
    cable.close()


def a_namespace_named_by_path_is_watched_too():
    red, _, cable = lab_with(a="tap:netns=/run/netns/red,addr=10.0.0.1/24")
    red.delete()
    cable.await_event("detach epair0a namespace red was deleted")
    cable.close()


def another_name_that_goes_is_nothing():
    red, blue, cable = lab_with()
    for name in ("reddish", "re"):
        Netns(name).delete()
    red.reaches("10.0.0.2")
    blue.delete()
    cable.await_event("detach epair0b namespace blue was deleted")
    equal([e for e in cable.events if e.startswith("detach epair0a")], [])
    cable.close()


def a_namespace_ends_with_the_process_that_named_it():
    _, blue = Netns("red"), Netns("blue")
    keeper = subprocess.Popen(("unshare", "-n", "sleep", "1000"))
    until(lambda: os.readlink(f"/proc/{keeper.pid}/ns/net") != os.readlink("/proc/self/ns/net"),
          "a namespace")
    cable = Cable(f"tap:netns={keeper.pid},addr=10.0.0.1/24", BLUE)
    blue.reaches("10.0.0.1")
    keeper.kill()
    keeper.wait()
    cable.await_event("detach epair0a the process that had the namespace ended")
    cable.close()


def both_at_once_and_again():
    red, blue, cable = lab_with()
    for _ in range(20):
        flood = Flood(red, "10.0.0.2")
        red.ip("link", "del", "epair0a")
        blue.ip("link", "del", "epair0b")
        for end in "ab":
            cable.await_event(f"detach epair0{end} .*")
        cable.events.clear()
        flood.stop()
        cable.ask("attach a " + RED)
        cable.ask("attach b " + BLUE)
    red.reaches("10.0.0.2")
    equal(cable.settle()[0]["queued"], 0)
    cable.close()


def a_detached_tap_is_gone_when_detach_returns():
    red, _, cable = lab_with()
    for _ in range(20):
        cable.ask("detach a")
        equal(red.link("epair0a"), None)
        cable.ask("attach a " + RED)
        check(red.link("epair0a"), "there is none")
    cable.close()


def a_killed_program_leaves_nothing():
    red, blue, cable = lab_with()
    flood = Flood(blue, "10.0.0.1")
    cable.process.send_signal(signal.SIGKILL)
    cable.process.wait()
    flood.stop()
    until(lambda: red.link("epair0a") is None and blue.link("epair0b") is None, "devices to go")
    until(lambda: "epair-opener" not in lab.processes(), "the opener to end")


def what_cannot_be_attached_leaves_nothing():
    fds = (("tap:fd=9", "EBADF"), ("tap:fd=0", "EINVAL")) if Cable.kind == "tap" else ()
    red = Netns("red")
    for spec, why in (
            ("tap:netns=nowhere", "ENOENT no network namespace named nowhere"),
            ("tap:netns=red,addr=10.0.0.1/33", "EINVAL"),
            ("tap:netns=red,addr=10.0.0.1/24,gw=10.1.0.1", "ENETUNREACH gw=10.1.0.1"),
            ("tap:netns=red,name=lo", "EEXIST there is already an interface lo in namespace red"),
            ("tap:netns=red,name=a/b", "EINVAL"),
            ("tap:netns=99999999", "ESRCH there is no process 99999999"),
            *fds,
            ("tap:netns=red,colour=blue", "EINVAL")):
        try:
            Cable(spec, "-").close()
            raise AssertionError(f"{spec} was attached")
        except Failure as error:
            check(why in str(error), spec, "->", error)
    check("epair" not in red.ip("link"), red.ip("link"))


def many_cables_lose_one_namespace_at_once():
    red, blue = Netns("red"), Netns("blue")
    cables = [Cable(f"tap:netns=red,name=r{i}", f"tap:netns=blue,name=b{i}") for i in range(10)]
    red.delete()
    blue.delete()
    for cable in cables:
        cable.await_event("detach epair0a .*")
        cable.await_event("detach epair0b .*")
        cable.close()


lab.main([
    a_deleted_device_is_told_and_can_be_attached_anew,
    a_deleted_namespace_takes_its_device_along,
    a_namespace_named_by_path_is_watched_too,
    another_name_that_goes_is_nothing,
    a_namespace_ends_with_the_process_that_named_it,
    both_at_once_and_again,
    a_detached_tap_is_gone_when_detach_returns,
    a_killed_program_leaves_nothing,
    what_cannot_be_attached_leaves_nothing,
    many_cables_lose_one_namespace_at_once,
], needs=("ping",))
