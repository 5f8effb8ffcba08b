#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What is said of the world before SIGKILL is said after it, and a full disk changes nothing."""
import contextlib
import os
import subprocess
import tempfile

from daemon import Daemon
from harness import Skip, case, main, need, need_root, need_tun, until


def crash(d):
    d.process.kill()
    d.process.communicate()
    d.start()


@contextlib.contextmanager
def namespace(name):
    subprocess.run(["ip", "netns", "add", name], check=True)
    try:
        yield name
    finally:
        subprocess.run(["ip", "netns", "del", name], check=True)


@contextlib.contextmanager
def small_disk(size):
    """A file system with room for no more than that."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", folder],
                              capture_output=True, check=False)
        if done.returncode != 0:
            raise Skip("may not mount")
        try:
            yield folder
        finally:
            subprocess.run(["umount", folder], check=True)


def settled(interfaces, kinds):
    """Whether who finds its peer in this very daemon has, and who has none has given up."""
    state = {i["ifname"]: i["operstate"] for i in interfaces}
    meet = [f"epair{n}b" for n, kind in enumerate(kinds) if "/m" in kind or "/q" in kind]
    alone = [f"epair{n}b" for n, kind in enumerate(kinds) if "/v" in kind or "tcp=" in kind]
    assert (len(meet), len(alone)) == (4, 2), (meet, alone)
    return all(state[i] == "UP" for i in meet) and all(state[i] == "DOWN" for i in alone)


@case
def each_kind_and_setting_is_as_it_was():
    need_root()
    need_tun()
    with tempfile.TemporaryDirectory() as state, namespace(f"survive{os.getpid()}") as ns, \
            Daemon("--state", state) as d:
        table, trace, played = (f"{d.folder.name}/{name}" for name in ("table", "trace", "played"))
        with open(table, "w", encoding="ascii") as f:
            f.write(" ".join(str(i) for i in range(-512, 512)) + "\n")
        with open(trace, "w", encoding="ascii") as f:
            f.write("".join(f"{ms}\n" for ms in range(1, 100)))
        d.epair("create", "epair9", f"a.attach=pcap:write={played}")
        d.epair("destroy", "epair9a")
        d.epair("vnet", "add", "red", f"tap:netns={ns}", "owner=61001", "max-pairs=7")
        kinds = [f"tap:netns={ns},addr=10.1.0.1/24", f"veth:netns={ns},addr=10.2.0.1/24",
                 "echo:addr=10.0.0.1", "sink", "source:rate=10",
                 f"memif:path={d.folder.name}/m,role=server",
                 f"memif:path={d.folder.name}/m", f"qemu:path={d.folder.name}/q,mode=server",
                 f"qemu:path={d.folder.name}/q", "qemu:tcp=localhost:1",
                 f"vhost:path={d.folder.name}/v", f"pcap:read={played}",
                 f"pcap:write={d.folder.name}/record", f"packet:dev=lo,netns={ns}"]
        for kind in kinds:
            d.epair("create", f"a.attach={kind}", "up=yes", "carrier=follow")
        d.epair("create", "epair20", "mtu=9000", "a.descr=a name", "a.name=left", "b.vnet=red",
                "a.qdisc=fq-codel", "a.queue-limit=77", "a.ether=02:00:00:00:00:77")
        d.epair("create", "epair21", f"a.link=delay 10ms 1ms distribution {table} loss 1%",
                f"b.link=trace {trace}", "a.qdisc=codel", "b.qdisc=priq")
        before = d.epair("show", "--as-config")
        until(lambda: settled(d.json("show"), kinds), "all have met, or are alone")
        looks = d.json("show")
        crash(d)
        until(lambda: d.epair("show", "--as-config") == before, "it is as it was")
        keys = "ifname", "ifindex", "address", "mtu", "flags", "vnet", "attachment", "operstate"
        until(lambda: [[i.get(k) for k in keys] for i in d.json("show")] ==
              [[i.get(k) for k in keys] for i in looks], "so is what is shown")
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as f:
            f.write(before)
            f.flush()
            assert "0 steps" in d.epair("apply", f.name)


@case
def a_change_for_which_there_is_no_room_changes_nothing_and_the_next_is_made():
    need_root()
    with small_disk("1M") as state, Daemon("--state", state) as d:
        d.epair("create", "epair0", "a.attach=sink", "mtu=1400")
        before = d.epair("show", "--as-config")
        filling = os.path.join(state, "filling")
        fd = os.open(filling, os.O_CREAT | os.O_WRONLY)
        with contextlib.suppress(OSError):
            while True:
                os.write(fd, bytes(4096))
        os.close(fd)
        refused = 0
        # What is reserved already is used up first.
        for i in range(1, 2000):
            args = "create", f"epair{i}", "a.descr=" + "x" * 60
            done = subprocess.run([os.environ["EPAIR"], "--socket", d.socket, *args],
                                  capture_output=True, text=True, check=False)
            if done.returncode != 0:
                assert "No space left" in done.stderr or "room" in done.stderr, done.stderr
                refused += 1
                if refused == 1:
                    before = d.epair("show", "--as-config")
            if refused == 3:
                break
        assert refused == 3
        assert d.epair("show", "--as-config") == before
        crash(d)
        assert d.epair("show", "--as-config") == before
        os.unlink(filling)
        d.epair("set", "epair0a", "mtu", "1300")
        after = d.epair("show", "--as-config")
        assert after != before
        crash(d)
        assert d.epair("show", "--as-config") == after


@contextlib.contextmanager
def failing(d, calls, count):
    """So many of these system calls of the daemon's main thread fail."""
    tracer = subprocess.Popen(["strace", "-qq", "-o", "/dev/null", "-p", str(d.process.pid), "-e",
                               f"inject={calls}:error=EIO:when=1..{count}"],
                              stderr=subprocess.DEVNULL)
    try:
        with open(f"/proc/{d.process.pid}/status", encoding="ascii") as status:
            def is_traced():
                status.seek(0)
                return "TracerPid:\t0\n" not in status.read()
            until(is_traced, "strace is there")
            yield
    finally:
        tracer.terminate()
        tracer.wait()


@case
def a_change_that_does_not_reach_the_disk_is_undone():
    need("strace")
    need_tun()
    with tempfile.TemporaryDirectory() as state, namespace("epair-disk") as ns, \
            Daemon("--state", state) as d:
        def devices():
            return subprocess.run(["ip", "-n", ns, "-br", "link", "show", "type", "tun"],
                                  check=True, capture_output=True).stdout

        d.epair("create", "epair0", "a.attach=sink")
        before = d.epair("show", "--as-config"), devices()
        wanted = "create", "epair7", f"a.attach=tap:netns={ns}", "b.mtu=1400"
        # Once; with what was written not to be taken back; and with no new file to be had.
        for calls, count in (("fdatasync", 1), ("fdatasync,ftruncate", 2), ("fsync,renameat", 1)):
            with failing(d, calls, count):
                error = d.refused(*wanted)
                assert "cannot write the state in" in error and "Input/output" in error, error
            assert (d.epair("show", "--as-config"), devices()) == before
        d.epair(*wanted)
        after = d.epair("show", "--as-config"), devices()
        crash(d)
        assert (d.epair("show", "--as-config"), devices()) == after


main()
