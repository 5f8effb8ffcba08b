#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""epair run: what it moves, how it ends, what it says."""
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time

from harness import (EPAIR, Running, case, folder, frames, main, need_root, need_tun, own_namespaces, run,
                     run_json, until)

own_namespaces()
N = 1000


def ends(doc):
    return [end["stats"] for end in doc["interfaces"]]


@case
def count_ends_when_all_is_received():
    doc = run_json("run", "--count", str(N), "source", "sink")
    a, b = ends(doc)
    assert a["opackets"] == b["ipackets"] == b["delivered"] == N
    assert a["obytes"] == b["ibytes"] > 0
    assert a["drops"] == b["drops"] == {} and b["queued"] == 0
    assert doc["ended"] == "count" and doc["ok"] is True


@case
def count_counts_each_of_two_sources():
    a, b = ends(run_json("run", "--count", str(N), "source", "source:size=100"))
    for tx, rx in (a, b), (b, a):
        assert tx["opackets"] == rx["ipackets"] == rx["delivered"] == N
        assert tx["drops"] == {}


@case
def a_source_at_the_b_end_sends_to_a():
    a, b = ends(run_json("run", "--count", str(N), "sink", "source"))
    assert b["opackets"] == a["delivered"] == N


@case
def many_workers_and_queues_lose_nothing():
    a, b = ends(run_json("run", "--count", "100000", "--workers", "2", "--queues", "2",
                         "--poll-us", "50", "source", "sink"))
    assert a["opackets"] + sum(a["drops"].values()) == 100000
    assert a["opackets"] == b["delivered"]


@case
def the_counters_are_there_in_the_shape_of_ip_too():
    for end in run_json("run", "--count", "7", "source:size=60", "sink")["interfaces"]:
        for ours, side, ip in (("ipackets", "rx", "packets"), ("ibytes", "rx", "bytes"),
                               ("opackets", "tx", "packets"), ("obytes", "tx", "bytes")):
            assert end["stats"][ours] == end["stats64"][side][ip]


@case
def the_interfaces_are_as_was_asked():
    doc = run_json("run", "--mtu", "9000", "--mac-a", "02:00:5e:10:00:01", "--mac-b",
                   "2:0:5E:10:0:2", "--time", "0.01", "sink", "echo")
    a, b = doc["interfaces"]
    assert [a["ifname"], b["ifname"]] == ["epair0a", "epair0b"]
    assert [a["address"], b["address"]] == ["02:00:5e:10:00:01", "02:00:5e:10:00:02"]
    assert [a["attachment"], b["attachment"]] == ["sink", "echo"]
    assert [a["link"], b["link"]] == ["epair0b", "epair0a"]
    for end in a, b:
        assert end["mtu"] == 9000 and end["operstate"] == "UP"
        assert {"UP", "RUNNING"} <= set(end["flags"])
    assert doc["ended"] == "time"


@case
def j_may_stand_before_and_after_the_verb():
    for args in (["-j", "run"], ["run", "-j"], ["--json", "run"], ["run", "--json"]):
        done = run(*args, "--count", "1", "source", "sink", status=0)
        assert json.loads(done.out)["ok"] and done.err == ""
    done = run("run", "--count", "1", "source", "sink", "-j", status=0)
    assert json.loads(done.out)["ok"]


@case
def events_are_told():
    events = run_json("run", "--count", "1", "source", "sink")["events"]
    words = [(event["ifname"], event["event"]) for event in events]
    for ifname in "epair0a", "epair0b":
        assert (ifname, "create") in words and (ifname, "attach") in words
    out = run("run", "--count", "1", "source", "sink", status=0).out
    assert re.search(r"^\S+ epair0a attach source", out, re.M), out


@case
def the_end_shows_both_ends_and_no_escape_sequences():
    out = run("run", "--count", str(N), "source", "sink", status=0).out
    for name, side in ("epair0a", "TX"), ("epair0b", "RX"):
        assert re.search(rf"^{name}: flags=\w+<UP,.*mtu 1500$", out, re.M), out
        assert f"\t{side} packets {N} " in out, out
    assert "\033" not in out and "\r" not in out


@case
def time_ends_it():
    start = time.monotonic()
    doc = run_json("run", "--time", "0.3", "source:rate=1000", "sink")
    assert 0.25 < time.monotonic() - start
    a, b = ends(doc)
    assert a["opackets"] == b["delivered"] > 0 and doc["ended"] == "time"


@case
def a_count_that_was_not_reached_is_status_1():
    done = run("-j", "run", "--time", "0.2", "--count", "1000000", "source:rate=10", "sink",
               status=1)
    assert "--count" in done.err and json.loads(done.out)["ok"] is False


@case
def ready_fd_gets_one_line_and_is_closed():
    with Running("-j", "sink", "echo") as it:
        assert it.ready == b"\n" and it.rest == b""
        out, _ = it.end()
        assert json.loads(out)["ended"] == "signal"


@case
def ready_fd_that_nobody_reads_is_status_1():
    ready, ready_out = os.pipe()
    os.close(ready)
    done = run("run", "--time", "0.01", "--ready-fd", str(ready_out), "sink", "sink", status=1,
               pass_fds=[ready_out])
    os.close(ready_out)
    assert "--ready-fd" in done.err


@case
def sigint_and_sigterm_end_it_cleanly():
    for signum in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
        with Running("-j", "source:rate=10000", "sink") as it:
            a, b = ends(json.loads(it.end(signum)[0]))
            assert a["opackets"] == b["delivered"]


@case
def they_do_also_where_they_were_ignored():
    def ignore():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)

    for signum in signal.SIGINT, signal.SIGTERM:
        with Running("source:rate=10000", "sink", preexec_fn=ignore) as it:
            it.end(signum)


@case
def they_do_also_where_they_were_blocked():
    def block():
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, signal.SIGTERM])

    with Running("sink", "sink", preexec_fn=block) as it:
        it.end(signal.SIGTERM)


@case
def a_background_job_of_a_shell_ends_on_sigint():
    with Running("sink", "sink", prefix=["sh", "-c", '"$@" & echo $! >&2; wait $!', "sh"]) as it:
        pid = int(it.process.stderr.readline())
        os.kill(pid, signal.SIGINT)
        it.wait()


@case
def nohup_is_heeded():
    def ignore():
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

    with Running("sink", "sink", preexec_fn=ignore) as it:
        it.process.send_signal(signal.SIGHUP)
        it.end(signal.SIGTERM)


@case
def output_that_is_closed_ends_it():
    with Running("source:rate=1000", "sink") as it:
        it.process.stdout.close()
        it.process.wait(10)
        assert it.process.returncode == 1
        it.process.stdout = None


@case
def output_that_nobody_reads_does_not_keep_it():
    reader, writer = os.pipe()
    # Fill it: nothing more can be written.
    os.set_blocking(writer, False)
    try:
        while True:
            os.write(writer, bytes(4096))
    except BlockingIOError:
        os.set_blocking(writer, True)
    with Running("source:rate=1000", "sink", stdout=writer) as it:
        os.close(writer)
        it.process.send_signal(signal.SIGTERM)
        it.process.send_signal(signal.SIGTERM)
        it.process.wait(20)
        assert it.process.returncode == 1
    os.close(reader)


@case
def output_on_a_full_device_is_status_1():
    with open("/dev/full", "wb") as full:
        done = subprocess.run([EPAIR, "run", "--count", "1", "source", "sink"], stdout=full,
                              stderr=subprocess.PIPE, check=False, timeout=20)
    assert done.returncode == 1 and b"No space left" in done.stderr


@case
def output_that_was_never_open_lands_in_no_file():
    with folder() as where:
        path = os.path.join(where, "capture")
        done = subprocess.run(["sh", "-c", '"$@" >&-', "sh", EPAIR, "run", "--capture", path,
                               "--count", "1", "source", "sink"], stderr=subprocess.PIPE,
                              check=False, timeout=20)
        assert done.returncode == 1 and b"output: Bad file descriptor" in done.stderr, done
        frames(path)  # it is a capture, and nothing else


def on_terminal(*args, seconds, env=None):
    """What the tool writes to a terminal in that time, and its exit status."""
    child, terminal = pty.fork()
    if child == 0:
        os.environ.update(env or {"TERM": "xterm", "LANG": "C.UTF-8"})
        os.execv(EPAIR, [EPAIR, *args])
    seen = b""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                seen += os.read(terminal, 65536)
            except OSError:
                break
    _, status = os.waitpid(child, 0)
    os.close(terminal)
    return seen.decode(), os.waitstatus_to_exitcode(status)


@case
def a_terminal_gets_a_live_line_and_colours():
    seen, status = on_terminal("run", "--time", "2.3", "source:rate=1000", "sink", seconds=20)
    assert status == 0, seen
    live = re.findall("a\u2192b ([0-9.]+ k?pps) [0-9.]+ k?b/s  b\u2192a 0 pps 0 b/s  drops 0", seen)
    assert len(live) == 2, seen
    assert "\r\033[K" in seen and "\033[1mepair0a\033[0m: flags=" in seen
    # The line is gone in the end.
    assert re.search(r"\r\033\[K[^\r]*epair0a", seen), seen


@case
def a_dumb_terminal_gets_no_colours():
    for env in {"TERM": "dumb"}, {"TERM": "xterm", "NO_COLOR": "1"}:
        seen, status = on_terminal("run", "--count", "1", "source", "sink", seconds=20, env=env)
        assert status == 0 and "\033[1m" not in seen


def threads(pid):
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/status", encoding="ascii") as status:
            yield dict(line.rstrip("\n").split(":\t", 1) for line in status if ":\t" in line)


@case
def no_thread_keeps_a_capability():
    need_root()
    with Running("source:rate=1000", "sink", "--workers", "2") as it:
        seen = list(threads(it.process.pid))
        assert len(seen) >= 3
        for status in seen:
            for which in "CapInh", "CapPrm", "CapEff", "CapAmb":
                assert int(status[which], 16) == 0, (status["Name"], which, status[which])
            assert status["NoNewPrivs"] == "1"
        it.end()


def links():
    done = subprocess.run(["ip", "-o", "link"], capture_output=True, check=True)
    return done.stdout.decode()


@case
def a_device_is_there_while_it_runs_and_not_after():
    need_root()
    need_tun()
    for signum in signal.SIGINT, signal.SIGTERM, signal.SIGKILL:
        with Running("tap:name=eptest0", "sink") as it:
            assert "eptest0" in links()
            it.process.send_signal(signum)
            it.process.wait(20)
        until(lambda: "eptest0" not in links(), "the device is gone")


@case
def one_that_was_killed_can_be_started_again_at_once():
    need_root()
    need_tun()
    for kind in "tap", "veth":
        for _ in range(5):
            with Running(f"{kind}:name=eptest0", "sink") as it:
                assert it.ready, it.process.stderr.read()


@case
def drops_are_shown_with_their_reason():
    need_root()
    need_tun()
    with Running("source:rate=1000", "tap:name=eptest0") as it:
        subprocess.run(["ip", "link", "set", "eptest0", "down"], check=True)
        time.sleep(0.1)  # for some frames to come to nothing
        out, _ = it.end()
        assert re.search("drop rx-stack-down [1-9][0-9]*: what is attached is down", out), out


@case
def a_run_that_fails_late_leaves_no_device():
    need_root()
    need_tun()
    run("run", "tap:name=eptest0", "tap:netns=epair-test-none", status=1)
    assert "eptest0" not in links()


@case
def a_namespace_that_is_deleted_ends_it_with_status_1():
    need_root()
    need_tun()
    subprocess.run(["ip", "netns", "add", "epair-test"], check=True)
    try:
        with Running("tap:netns=epair-test", "sink") as it:
            subprocess.run(["ip", "netns", "del", "epair-test"], check=True)
            _, err = it.wait(1)
            assert "epair0a: detached" in err
    finally:
        subprocess.run(["ip", "netns", "del", "epair-test"], check=False, capture_output=True)


@case
def two_namespaces_ping_each_other():
    need_root()
    need_tun()
    names = ["epair-test-a", "epair-test-b"]
    try:
        for name in names:
            subprocess.run(["ip", "netns", "add", name], check=True)
        with Running(f"tap:netns={names[0]},addr=10.97.0.1/24",
                     f"tap:netns={names[1]},addr=10.97.0.2/24", "-j") as it:
            ping = ["ip", "netns", "exec", names[0], "ping", "-c", "3", "-i", "0.1", "-W", "2",
                    "10.97.0.2"]
            done = subprocess.run(ping, capture_output=True, check=False)
            assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
            for end in ends(json.loads(it.end()[0])):
                assert end["delivered"] >= 3
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


@case
def a_frame_that_is_cut_into_segments_is_accounted_for_once():
    # delivered once counted the segments: ten for the one frame that came.
    need_root()
    need_tun()
    send = ("import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); "
            "s.setsockopt(socket.IPPROTO_UDP, 103, 1000); "  # UDP_SEGMENT
            "s.sendto(bytes(10000), ('10.97.0.2', 9))")
    with Running("-j", "tap:name=eptest0,addr=10.97.0.1/24", "echo:addr=10.97.0.2/24") as it:
        subprocess.run([sys.executable, "-c", send], check=True)
        time.sleep(0.1)  # for the frame to cross; the counters are the judge
        _, b = ends(json.loads(it.end()[0]))
        assert b["ibytes"] > 10000 and b["delivered"] == b["ipackets"]


main()
