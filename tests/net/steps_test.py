#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A daemon that is killed at any step of any change: it is there whole, or not at all.

strace says which system calls the daemon's main thread makes for a change that
change or tell anything, and then kills it at each of them. The daemon that comes
then has the state of before or of after, and so have the devices; of after, if
the tool was answered.

STEPS=1 tries every call; a test run, every STEPS-th, from another one for each
change.
"""
import json
import os
import shutil
import subprocess

import epaird
import lab
from epaird import FOLDER, Epaird, pair
from lab import Netns, check, equal, until

STEPS = int(os.environ.get("STEPS", "7"))
CALLS = ("sendmsg,recvmsg,pwrite64,fdatasync,fsync,fallocate,ftruncate,renameat,openat,close,"
         "fcntl,poll,epoll_ctl,ioctl,accept4")

CHANGES = (
    ("create", "epair7", "a.attach=tap:netns=red", "b.vnet=lab", "b.up=yes"),
    ("destroy", "epair0a"),
    ("attach", "epair5a", "tap:netns=blue"),
    ("detach", "epair0a"),
    ("move", "epair5b", "lab"),
    ("set", "epair0a", "mtu", "1400", "descr", "changed"),
    ("vnet", "add", "new", "tap:netns=blue"),
    ("vnet", "del", "lab"),
)


def devices():
    """What the kernel has of us: names and MTUs, by namespace."""
    return {name: sorted((d["ifname"], d["mtu"]) for d in json.loads(
        lab.run("ip", "-n", name, "-j", "link")) if "epair" in d["ifname"])
        for name in ("red", "blue")}


def world(daemon):
    # An MTU is set at the device by a worker, a moment later.
    until(lambda: all(mtu == next((i["mtu"] for i in daemon.show()["interfaces"]
                                   if i["ifname"] == name), mtu)
                      for found in devices().values() for name, mtu in found),
          "devices to have their MTUs")
    return daemon.show(), devices()


class Base:
    """A state to begin from, again and again."""

    def __init__(self):
        self.daemon = Epaird()
        pair(self.daemon)
        self.daemon.epair("vnet", "add", "lab", "tap:netns=red")
        self.daemon.epair("create", "epair5")
        self.daemon.epair("create", "epair6", "b.vnet=lab", "b.up=yes")
        self.before = world(self.daemon)
        self.daemon.kill()
        shutil.copytree(f"{FOLDER}/state", f"{FOLDER}/base",
                        ignore=shutil.ignore_patterns("keeper", "takeover"))
        self.forget()

    def forget(self):
        lab.run(*self.daemon.command("--forget"), fails=True)
        until(lambda: not any(devices().values()), "devices to go")

    def begin(self):
        shutil.rmtree(f"{FOLDER}/state")
        shutil.copytree(f"{FOLDER}/base", f"{FOLDER}/state")
        self.daemon.start()

    def end(self):
        self.daemon.kill()
        self.forget()


def traced(base, change, *options):
    """Do the change under strace: whether the tool was answered."""
    daemon = base.daemon
    tracer = subprocess.Popen(("strace", "-qq", "-p", str(daemon.process.pid),
                               "-o", f"{FOLDER}/trace", "-e", f"trace={CALLS}", *options),
                              stderr=subprocess.DEVNULL)
    until(lambda: open(f"/proc/{daemon.process.pid}/status").read().split("TracerPid:\t")[1]
          .split()[0] != "0", "strace to be there")
    answer = daemon.tool(*change, fails=True).returncode
    if answer != 0:
        daemon.process.wait(timeout=lab.SECONDS)
    tracer.terminate()
    tracer.wait()
    return answer == 0


def calls_of(base, change):
    """The calls of a change as (name, which of that name), and the world after it."""
    base.begin()
    check(traced(base, change), *change, "was not done")
    found = world(base.daemon)
    with open(f"{FOLDER}/trace") as trace:
        names = [line.split("(")[0] for line in trace if "(" in line]
    base.end()
    return [(name, names[:i + 1].count(name)) for i, name in enumerate(names)], found


def try_all(base, change, first):
    calls, after = calls_of(base, change)
    check(after != base.before, change, "changes nothing")
    seen = {"before": 0, "after": 0}
    for name, number in calls[first::STEPS]:
        base.begin()
        is_answered = traced(base, change, "-e", f"inject={name}:signal=KILL:when={number}")
        # It may have been answered before it was killed; and once more there may be fewer calls.
        if base.daemon.tool("show", fails=True).returncode != 0:
            base.daemon.kill()
            base.daemon.start()
        found = world(base.daemon)
        base.end()
        check(found in (base.before, after), *change, f"killed at {name} {number} left", found,
              "which is neither", base.before, "nor", after)
        check(found == after or not is_answered, *change, f"was answered at {name} {number}",
              "and is gone")
        seen["after" if found == after else "before"] += 1
    print(f"# {' '.join(change)}: {len(calls)} calls; killed, it was as before {seen['before']} "
          f"times, as after {seen['after']}", flush=True)


def change_is_there_whole_or_not_at_all():
    red, blue = Netns("red"), Netns("blue")
    base = Base()
    for i, change in enumerate(CHANGES):
        try_all(base, change, i % STEPS)


lab.need("strace")
epaird.main((change_is_there_whole_or_not_at_all,))
