#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""epair demo: namespaces or not, root or not, everything arrives and nothing stays."""
import json
import os
import signal
import subprocess
import time

from harness import EPAIR, Skip, case, folder, frames, main, need_root, need_tun, run, until

MIB = 1 << 20
NOBODY = 65534


def check(doc, stacks, unit):
    assert doc["stacks"] == stacks, doc
    assert doc["ok"] is True
    assert doc["ping"]["sent"] == doc["ping"]["received"] == 5
    rtt = doc["ping"]["rtt_ms"]
    assert 0 < rtt["min"] <= rtt["avg"] <= rtt["max"]
    streams = doc["streams"]
    assert [(s["from"], s["both"]) for s in streams] == \
        [("a", False), ("b", False), ("a", True), ("b", True)]
    for stream in streams:
        assert stream["sent"] == stream["received"] >= unit
        assert stream["bits_per_second"] > 0
    for end in doc["interfaces"]:
        assert end["stats"]["opackets"] > 0 and end["stats"]["queued"] == 0


def processes(where):
    """Processes that were started with that TMPDIR: the tool, its opener, its agents."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/environ", "rb") as environ:
                if b"TMPDIR=" + where.encode() in environ.read().split(b"\0"):
                    found.append(pid)
        except OSError:
            continue
    return found


def nothing_stays(where):
    until(lambda: not processes(where), "all processes have ended")
    assert os.listdir(where) == [], os.listdir(where)


def demo(*args, where, **options):
    environment = dict(os.environ, TMPDIR=where)
    return run("demo", *args, status=0, env=environment, **options)


@case
def two_namespaces_exchange_all_and_leave_nothing():
    need_tun()
    with folder() as where:
        doc = json.loads(demo("-j", "--time", "1", where=where).out)
        check(doc, "namespaces", MIB)
        path = doc["capture"]["file"]
        assert os.path.dirname(path) == where
        assert doc["capture"]["lost"] == 0
        assert frames(path) == doc["capture"]["frames"]
        assert frames(path, "-Y", "icmp.type == 8 && ip.dst == 10.99.0.2") >= 10
        assert frames(path, "-Y", "tcp.flags.fin == 1") >= 8
        os.unlink(path)
        nothing_stays(where)


@case
def the_summary_can_be_read():
    need_tun()
    with folder() as where:
        out = demo("--time", "0.2", where=where).out
        for words in ("Two network namespaces", "ping", "round trip min/avg/max", "TCP",
                      "both ways at once", "all arrived", "capture", where, "epair0a: flags=",
                      "Everything sent arrived."):
            assert words in out, f"no {words!r} in {out}"


@case
def the_capture_goes_where_it_is_asked_to():
    need_tun()
    with folder() as where:
        path = os.path.join(where, "here")
        doc = json.loads(demo("-j", "--time", "0.2", "--capture", path, where=where).out)
        assert doc["capture"]["file"] == path and frames(path) > 0
        assert os.listdir(where) == ["here"]


def as_nobody(*args, where, prefix=(), status=0):
    done = subprocess.run([*prefix, EPAIR, "demo", *args], capture_output=True, check=False,
                          env=dict(os.environ, TMPDIR=where), user=NOBODY, group=NOBODY,
                          extra_groups=[], timeout=60)
    assert done.returncode == status, done.stdout.decode() + done.stderr.decode()
    return done.stdout.decode()


@case
def whoever_is_not_root_uses_user_namespaces():
    need_root()
    need_tun()
    if os.stat("/dev/net/tun").st_mode & 0o666 != 0o666:
        raise Skip("/dev/net/tun is not for everybody")
    with folder() as where:
        check(json.loads(as_nobody("-j", "--time", "0.5", where=where)), "namespaces", MIB)
        out = as_nobody("--time", "0.2", where=where)
        assert "(in user namespaces)" in out
        for name in os.listdir(where):
            os.unlink(os.path.join(where, name))
        nothing_stays(where)


@case
def two_stacks_in_the_process_exchange_all():
    with folder() as where:
        doc = json.loads(demo("-j", "--in-process", where=where).out)
        check(doc, "in-process", MIB)
        assert doc["reason"] == ""
        path = doc["capture"]["file"]
        # Each twice: ARP, five pings, 64 frames each way. A source says that it has sent all
        # before its last burst is out; detaching then left 32 of them without a stack.
        assert frames(path) == doc["capture"]["frames"] == 2 * (2 + 10 + 2 * 64)
        assert [end["stats"]["drops"] for end in doc["interfaces"]] == [{}, {}]
        assert frames(path, "-Y", "icmp.type == 0") == 10
        os.unlink(path)
        nothing_stays(where)


def without_tun(how):
    """A prefix for a command that is to run where /dev/net/tun is like that."""
    script = f'{how} && exec "$@"'
    return ["unshare", "-m", "--propagation", "private", "sh", "-c", script, "sh"]


@case
def without_dev_net_tun_it_says_so_and_uses_two_stacks():
    need_root()
    need_tun()
    with folder() as where:
        for how in ("mount -t tmpfs none /dev/net", "mount --bind /dev/null /dev/net/tun"):
            done = subprocess.run([*without_tun(how), EPAIR, "demo"], capture_output=True,
                                  env=dict(os.environ, TMPDIR=where), check=False, timeout=60)
            out = done.stdout.decode()
            assert done.returncode == 0, out + done.stderr.decode()
            assert "No namespaces with TAP devices here: " in out, out
            assert "Two stacks inside this process" in out
            assert "Everything sent arrived." in out


@case
def a_dev_net_tun_for_root_only_is_told_with_what_to_do():
    need_root()
    need_tun()
    drop = f"setpriv --reuid {NOBODY} --regid {NOBODY} --clear-groups"
    how = ("mount -t tmpfs none /dev/net && mknod -m 600 /dev/net/tun c 10 200 && "
           f'exec {drop} "$@"; true')
    with folder() as where:
        done = subprocess.run([*without_tun(how), EPAIR, "demo"], capture_output=True,
                              env=dict(os.environ, TMPDIR=where), check=False, timeout=60)
        out = done.stdout.decode()
        assert done.returncode == 0, out + done.stderr.decode()
        assert "/dev/net/tun" in out and "chmod 666 /dev/net/tun" in out, out


@case
def where_namespaces_are_refused_it_says_so():
    need_root()
    prefix = ["unshare", "-U", "-r", "-m", "sh", "-c",
              'echo 0 >/proc/sys/user/max_net_namespaces && exec "$@"', "sh"]
    with folder() as where:
        done = subprocess.run([*prefix, EPAIR, "demo"], capture_output=True,
                              env=dict(os.environ, TMPDIR=where), check=False, timeout=60)
        out = done.stdout.decode()
        assert done.returncode == 0, out + done.stderr.decode()
        assert "No namespaces with TAP devices here: a network namespace" in out, out


@case
def interrupted_it_leaves_nothing():
    need_tun()
    for wait in 0.05, 0.3, 1.2, 2.0:
        for signum in signal.SIGINT, signal.SIGTERM:
            with folder() as where:
                process = subprocess.Popen([EPAIR, "demo", "--time", "3"],
                                           env=dict(os.environ, TMPDIR=where),
                                           stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
                time.sleep(wait)  # no condition: any moment will do
                process.send_signal(signum)
                err = process.communicate(timeout=20)[1]
                if process.returncode != 0:
                    # Before it could be heeded, the signal killed what was nothing yet.
                    assert process.returncode in (1, -signum), err
                    nothing_stays(where)


@case
def killed_it_leaves_no_process():
    need_tun()
    with folder() as where:
        process = subprocess.Popen([EPAIR, "demo"], env=dict(os.environ, TMPDIR=where),
                                   stdout=subprocess.DEVNULL)
        until(lambda: len(processes(where)) >= 4, "the tool, its opener and two agents are there")
        process.kill()
        process.wait()
        until(lambda: not processes(where), "all processes have ended")


@case
def two_lwip_stacks_need_no_privilege():
    if "not in this build" in run("run", "--sim", "--time", "0.001", "lwip", "sink").err:
        raise Skip("lwIP is not in this build")
    with folder() as where:
        doc = json.loads(demo("-j", "--lwip", where=where).out)
        check(doc, "lwip", 64 * MIB)
        os.unlink(doc["capture"]["file"])
        nothing_stays(where)
        done = run("demo", "--lwip", "--in-process", status=2)
        assert "--lwip" in done.err


main()
