#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""No thread of epaird has rights, and none makes a call that its filter lacks."""
import ctypes
import glob
import os
import re
import resource
import signal
import subprocess
import tempfile

from daemon import Client, Daemon, keeper_of
from harness import Skip, case, main, need, need_root, need_tun, run, until

# Answered with "not there" on purpose: what the C library has something older for.
FALLS_BACK = {"clone3"}


def statuses(d):
    for path in glob.glob(f"/proc/{d.process.pid}/task/*/status"):
        with open(path, encoding="utf-8") as f:
            yield f.read()


@case
def every_thread_is_without_rights():
    with Daemon("--workers", "3", "--metrics", "0") as d:
        found = list(statuses(d))
        assert len(found) >= 4, found
        sanitized = b"san_init" in subprocess.run(["nm", "-D", d.args[0]], check=True,
                                                  capture_output=True).stdout
        for status in found:
            if "\nSeccomp:" not in status:
                raise Skip("the kernel has no seccomp")
            for rights in "CapInh", "CapPrm", "CapEff", "CapAmb":
                assert re.search(rf"^{rights}:\t0+$", status, re.MULTILINE), status
            assert re.search("^NoNewPrivs:\t1$", status, re.MULTILINE), status
            assert sanitized or re.search("^Seccomp:\t2$", status, re.MULTILINE), status


def exercise(d):
    """Each thing that the main thread does for its clients."""
    d.epair("create", "epair0", "mtu=1400", "up=yes")
    d.epair("vnet", "add", "red", "owner=61001")
    d.epair("attach", "epair0a", "tap:netns=new,addr=10.0.0.1/24")
    d.epair("attach", "epair0b", f"memif:path={d.folder.name}/memif,role=server")
    d.epair("create", "epair1", f"a.attach=qemu:path={d.folder.name}/qemu,mode=server",
            f"b.attach=pcap:write={d.folder.name}/record", "a.link=delay 1ms", "a.qdisc=fq-codel")
    d.epair("create", "epair2", f"a.attach=vhost:path={d.folder.name}/vhost",
            "b.attach=qemu:tcp=localhost:1")
    d.epair("set", "epair0b", "descr", "x", "ether", "02:00:00:00:00:01")
    for look in ["show"], ["show", "--as-config"], ["-j", "stats"], ["stats", "--daemon"], \
            ["vnet", "list"], ["metrics"]:
        d.epair(*look)
    with Client(d.socket) as client:
        client.result("monitor")
        d.epair("destroy", "epair1a")
        client.line()
        answer = client.ask("capture", **{"if": "epair0a"})
        assert "result" in answer or "method" in answer, answer
    d.epair("detach", "epair0b")
    d.epair("move", "epair0b", "red")
    d.epair("vnet", "del", "red")


@case
def no_call_is_refused():
    need("strace")
    need_root()
    need_tun()
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as state:
        trace = os.path.join(folder, "trace")
        with Daemon("--state", state, "--metrics", "0") as d:
            tracer = subprocess.Popen(["strace", "-f", "-qq", "-o", trace, "-p",
                                       str(d.process.pid)], stderr=subprocess.DEVNULL)
            with open(f"/proc/{d.process.pid}/status", encoding="utf-8") as f:
                assert "Seccomp:\t2" in f.read()
            until(lambda: all(re.search(r"^TracerPid:\t[1-9]", s, re.MULTILINE)
                              for s in statuses(d)), "it is traced")
            exercise(d)
            tracer.send_signal(signal.SIGINT)
            tracer.wait()
        with open(trace, encoding="utf-8", errors="replace") as f:
            lines = f.read().splitlines()
        assert any("accept" in line for line in lines), "nothing was seen"
        refused = {found[1] for line in lines
                   if (found := re.match(r"\d+ +(\w+)\(.*= -1 ENOSYS", line))} - FALLS_BACK
        denied = [line for line in lines if re.search(r"= -1 (EACCES|EPERM)", line)]
        assert not refused and not denied, (refused, denied)


@case
def files_are_those_beneath_the_folders_that_are_named():
    need_root()
    # landlock_create_ruleset() of nothing gives its version.
    if ctypes.CDLL(None).syscall(444, None, 0, 1) < 1:
        raise Skip("the kernel has no landlock")
    with tempfile.TemporaryDirectory(dir="/var/tmp") as elsewhere, \
            tempfile.TemporaryDirectory() as named, Daemon("--files", named) as d:
        d.epair("create", "epair0", f"a.attach=pcap:write={named}/record")
        error = d.refused("create", f"a.attach=pcap:write={elsewhere}/record")
        assert "ermission denied" in error, error
        assert not os.path.exists(f"{elsewhere}/record")


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
        return [int(child) for child in f.read().split()]


def comm(pid):
    with open(f"/proc/{pid}/comm", encoding="ascii") as f:
        return f.read().strip()


@case
def an_opener_that_dies_is_replaced():
    need_root()
    need_tun()
    with Daemon() as d:
        opener = next(pid for pid in children(d.process.pid) if comm(pid) == "epair-opener")
        for i in range(3):
            os.kill(children(opener)[0], signal.SIGKILL)
            d.epair("create", "a.attach=tap:netns=new", "b.attach=echo")
            d.epair("set", f"epair{i}a", "mtu", "1400")
        assert opener in children(d.process.pid)


class Kept:
    """A daemon with a TAP that its keeper has, too: it is there when it was killed."""

    def __init__(self):
        need_root()
        need_tun()
        self.mark = f"EPAIR_TEST={os.getpid()}"

    def __enter__(self):
        self.state = tempfile.TemporaryDirectory()
        self.daemon = Daemon("--state", self.state.name,
                             env=dict(os.environ, EPAIR_TEST=str(os.getpid()))).__enter__()
        self.daemon.epair("create", "epair0", "a.attach=tap:netns=new,addr=10.0.0.1/24")
        self.before = self.daemon.epair("show", "--as-config")
        return self

    def __exit__(self, *why):
        self.daemon.__exit__(*why)
        self.state.cleanup()

    def is_as_before(self):
        self.daemon.process.kill()
        self.daemon.process.communicate()
        self.daemon.start()
        assert self.daemon.epair("show", "--as-config") == self.before
        assert self.daemon.json("show", "epair0a")[0]["attachment"]


@case
def a_keeper_that_dies_is_started_again():
    with Kept() as k:
        keeper = keeper_of(k.mark)
        os.kill(keeper, signal.SIGKILL)
        until(lambda: keeper_of(k.mark) not in (None, keeper), "there is another")
        k.is_as_before()


@case
def a_keeper_that_cannot_be_started_yet_is_tried_again_and_told_of_once():
    with Kept() as k:
        pid, said = k.daemon.process.pid, k.daemon.said
        limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, limits[1]))
        os.kill(keeper_of(k.mark), signal.SIGKILL)
        until(lambda: "Too many open files" in said(), "it cannot")
        resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
        until(lambda: "written again" in said(), "it can")
        assert said().count("\n") == 3, said()
        k.is_as_before()


main()
