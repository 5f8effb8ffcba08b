#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Verbs that look on: monitor, wait, stats, top, capture."""
import json
import os
import re
import signal
import subprocess

from daemon import Daemon
from harness import EPAIR, case, frames, main, need, until

TRAFFIC = ["a.attach=source:rate=20000", "b.attach=sink", "up=yes"]


def begin(d, *args, **options):
    return subprocess.Popen([EPAIR, "--socket", d.socket, *args], stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)


@case
def monitor_tells_what_happens_as_lines_or_objects():
    with Daemon() as d:
        lines, objects = begin(d, "monitor", "-c", "4"), begin(d, "-j", "monitor", "-c", "4")
        with d.client() as c:
            until(lambda: c.result("daemon")["connections"] == 3, "both are connected")
            until(lambda: c.result("daemon")["requests"] >= 4, "both have asked")
        # Each has had its answer before the next request of ours is done.
        d.epair("create")
        d.epair("set", "epair0a", "up")
        d.epair("destroy", "epair0a")
        out = lines.communicate(timeout=20)[0].decode().splitlines()
        assert out[0].endswith("epair0a create") and "epair0a flags 8843<UP," in out[2], out
        events = [json.loads(line) for line in objects.communicate(timeout=20)[0].splitlines()]
        assert [e["event"] for e in events][:3] == ["create", "create", "flags"]
        assert lines.returncode == objects.returncode == 0


@case
def no_event_is_lost_while_the_reader_keeps_up_and_a_gap_is_counted():
    with Daemon() as d, d.client() as c, d.client() as stalled:
        c.result("monitor")
        assert c.error("monitor")[0] == "EALREADY"
        stalled.result("monitor")
        for _ in range(10):
            c.result("apply", pairs=[{"name": f"epair{n}"} for n in range(500)])
            c.result("vnet-add", name="red")
            with d.client() as other:
                for n in range(0, 500, 1):
                    other.send(json.dumps({"jsonrpc": "2.0", "method": "destroy",
                                           "params": {"if": f"epair{n}a"}}).encode() + b"\n")
                other.result("hello")
            c.result("vnet-del", name="red")
        seen = sum("missing" not in e["params"] for e in c.notified)
        kinds = [e["params"]["type"] for e in c.notified]
        while kinds.count("destroy") < 10 * 1000:
            kinds.append(c.line()["params"]["type"])
            seen += 1
        assert kinds.count("create") == 10 * 1000 and seen == len(kinds)
        # Three events for each end of a pair, and those of the vnets; now it reads. What it has
        # read makes room for one more, which tells of those that found none.
        told = missing = 0
        while told < 10000:
            told, missing = told + 1, missing + stalled.line()["params"].get("missing", 0)
        d.epair("create", "epair600")
        event = {}
        while event.get("name") != "epair600b":
            event = stalled.line()["params"]
            told, missing = told + 1, missing + event.get("missing", 0)
        assert told + missing == 10 * (6 * 500 + 2) + 2 and missing > 0, (told, missing)


@case
def wait_ends_when_it_is_so_and_not_before():
    with Daemon() as d:
        waiting = begin(d, "wait", "epair0a", "attached")
        d.epair("create")
        assert waiting.poll() is None
        d.epair("attach", "epair0a", "sink")
        assert waiting.wait(timeout=20) == 0
        waiting = begin(d, "wait", "epair0a", "gone", "--timeout", "20")
        d.epair("wait", "epair0a", "attached")
        d.epair("set", "epair0a", "up")
        d.epair("wait", "epair0a", "up")
        d.epair("destroy", "epair0b")
        assert waiting.wait(timeout=20) == 0
        d.epair("wait", "epair0a", "gone")
        assert "not up in time" in d.refused("wait", "epair0a", "up", "--timeout", "0.01")
        assert "allowed are up" in d.refused("wait", "epair0a", "down", status=2)


@case
def stats_are_counters_or_rates():
    with Daemon() as d:
        d.epair("create", *TRAFFIC)
        d.epair("create")
        assert d.epair("stats", "epair1a").split()[-5:] == ["vnet0/epair1a", "0", "0", "0", "0"]
        until(lambda: d.json("stats")[1]["stats"]["ipackets"] > 100, "frames are counted")
        rated = json.loads(d.epair("-j", "stats", "-w", "-c", "1", "-i", "0.2"))
        assert rated[0]["rates"]["tx_frames"] > 0 and rated[2]["rates"]["tx_frames"] == 0
        assert "kfps" in d.epair("stats", "-w", "-c", "1", "-i", "0.2").splitlines()[1]
        # Bursts of any size; a wait for every 252nd frame.
        until(lambda: d.json("stats", "epair0b")[0]["stats"]["ipackets"] > 300, "two are measured")
        h = d.json("stats", "epair0b")[0]["histograms"]
        assert sum(h["waits"]) >= 2 and h["wait_ns"] > 0
        assert 0 < sum(h["bursts"]) <= h["burst_frames"]
        assert len(h["bursts"]) == len(h["burst_bounds"]) + 1 == 14
        assert len(h["waits"]) == len(h["wait_bounds_ns"]) + 1 == 24
        assert sum(d.json("stats", "epair0a")[0]["histograms"]["bursts"]) == 0
        for drawn in d.epair("stats", "epair0b"), d.epair("stats", "-w", "-c", "1", "-i", "0.2",
                                                          "epair0b"):
            rows = drawn.split("frames at once")[1].splitlines()[1:]
            assert re.match(r"^\t +\d+ +\d+ [#\u2588]+$", rows[0]), rows
            assert any("waited at most" in row for row in rows), rows
        assert "waited" not in d.epair("stats")
        d.epair("set", "epair0b", "down")
        until(lambda: "peer-down" in d.epair("stats", "epair0a"), "drops are shown by reason")
        d.epair("set", "epair0b", "up")
        busiest = json.loads(d.epair("-j", "top", "-c", "1", "-i", "0.2"))
        assert {i["ifname"] for i in busiest[:2]} == {"epair0a", "epair0b"}
        assert json.loads(d.epair("stats", "--daemon"))["ended"]["closed"] > 0


@case
def rates_are_a_line_each_on_a_terminal():
    with Daemon() as d:
        d.epair("create")
        terminal, other = os.openpty()
        looking = subprocess.run([EPAIR, "--socket", d.socket, "top", "-c", "1", "-i", "0.1"],
                                 stdout=other, check=True, timeout=20)
        os.close(other)
        drawn = os.read(terminal, 65536).decode()
        os.close(terminal)
        assert looking.returncode == 0 and drawn.startswith("\033[H\033[J\033[?7l"), drawn
        assert drawn.endswith("\033[?7h") and "drops" in drawn[10:90], drawn


@case
def looking_on_ends_well_when_nobody_reads():
    with Daemon() as d:
        d.epair("create")
        for words in ["stats", "-w", "-i", "0.1"], ["top", "-i", "0.1"], ["-j", "top", "-i", "0.1"]:
            looking = begin(d, *words)
            assert looking.stdout.readline()
            looking.stdout.close()
            assert (looking.wait(timeout=20), looking.stderr.read()) == (0, b""), words
            looking.stderr.close()


@case
def stats_drawn_in_place_end_by_a_signal():
    with Daemon() as d:
        d.epair("create", *TRAFFIC)
        watching = begin(d, "stats", "-w", "-i", "0.1")
        watching.stdout.readline()
        watching.send_signal(signal.SIGINT)
        assert watching.wait(timeout=20) == 0


@case
def a_capture_is_written_and_read_by_others():
    need("tshark")
    need("tcpdump")
    with Daemon() as d:
        d.epair("create", *TRAFFIC)
        path = os.path.join(d.folder.name, "capture")
        d.epair("capture", "epair0b", "-w", path, "-c", "500", "udp")
        assert frames(path) == 500
        d.epair("capture", "epair0a", "--both", "-w", path, "-c", "500")
        assert 0 < frames(path, "-Y", "frame.interface_name == epair0a") < 500
        assert len(d.epair("capture", "epair0a", "-c", "3").splitlines()) == 3
        assert "syntax error" in d.refused("capture", "epair0a", "-w", path, "frob ((", status=2)
        assert "no interface epair5a" in d.refused("capture", "epair5a", "-w", path)
        assert "rotation needs a file" in d.refused("capture", "epair0a", "-C", "1", status=2)


@case
def a_capture_ends_with_its_interface_and_by_a_signal():
    with Daemon() as d:
        d.epair("create", *TRAFFIC)
        path = os.path.join(d.folder.name, "capture")
        for end in (lambda c: c.send_signal(signal.SIGTERM), lambda _: d.epair("destroy", "epair0a")):
            capturing = begin(d, "capture", "epair0a", "-w", path)
            until(lambda: os.path.exists(path) and os.path.getsize(path) > 10000, "it is written")
            end(capturing)
            assert capturing.wait(timeout=20) == 0
            assert frames(path) > 0
            os.unlink(path)


@case
def captures_rotate_between_whole_frames():
    need("tshark")
    with Daemon() as d:
        d.epair("create", *TRAFFIC)
        path = os.path.join(d.folder.name, "capture")
        d.epair("capture", "epair0a", "-w", path, "-C", "1", "-W", "2", "-c", "22000")
        files = sorted(f for f in os.listdir(d.folder.name) if f.startswith("capture"))
        assert files == ["capture.1", "capture.2"], files
        for name in files:
            assert frames(os.path.join(d.folder.name, name)) > 0
        d.epair("capture", "epair0a", "-w", path, "-G", "0.1", "-c", "8000")
        assert os.path.exists(path + ".1")


main()
