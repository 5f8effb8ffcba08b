#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Many pairs in one daemon: nothing is lost of them, and what they cost is told.

EPAIR_PAIRS says how many, 1000 if not set. Counts and equality are checked; times, memory and
the busy pair's rate depend on the machine, and are only printed.
"""
import glob
import json
import os
import statistics
import time

from daemon import Daemon
from harness import case, main, until

PAIRS = int(os.environ.get("EPAIR_PAIRS", "1000"))
BUSY = ["epair", "a.attach=source", "b.attach=sink"]


def timed(what, call):
    start = time.monotonic()
    result = call()
    print(f"# {what}: {(time.monotonic() - start) * 1000:.0f} ms", flush=True)
    return result


def laid(d):
    path = os.path.join(d.folder.name, "pairs.yaml")
    with open(path, "w", encoding="utf-8") as f:
        f.write("pairs:\n" + "".join(f"- name: epair{n}\n" for n in range(PAIRS)))
    return path, timed(f"apply of {PAIRS} pairs", lambda: d.epair("apply", path))


def resident_kib(d):
    with open(f"/proc/{d.process.pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS:"))


def cpu_s(d):
    """Of the daemon: what else the machine has to do slows it, but costs it nothing."""
    spent_ns = 0
    for thread in glob.glob(f"/proc/{d.process.pid}/task/*/schedstat"):
        with open(thread, encoding="ascii") as f:
            spent_ns += int(f.read().split()[0])
    return spent_ns / 1e9


@case
def every_pair_is_shown_once_in_order_as_text_and_as_json():
    names = [f"epair{n}{end}" for n in range(PAIRS) for end in "ab"]
    with Daemon() as d:
        path, told = laid(d)
        assert f"{PAIRS} pairs made" in told, told
        text = timed("show", lambda: d.epair("show"))
        objects = json.loads(timed("-j show", lambda: d.epair("-j", "show")))
        assert [o["ifname"] for o in objects] == names
        assert [line.split(":")[0] for line in text.splitlines() if line[0] != "\t"] == names
        last = timed("show of one", lambda: d.epair("-j", "show", names[-1]))
        # Of one there is more to tell.
        (last,) = json.loads(last)
        assert {key: last[key] for key in objects[-1]} == objects[-1]
        assert timed("apply again", lambda: d.epair("apply", path)).startswith("0 steps")
        assert d.json("show") == objects
        print(f"# resident: {resident_kib(d) / 1024:.0f} MiB", flush=True)


def frames_for_cpu_s(d, name):
    """How many frames the busy pair moves in a second of the daemon's processor time."""
    def sent():
        return d.json("show", name)[0]["stats"]["opackets"]
    d.epair("set", name, "up")
    until(lambda before=sent(): sent() > before, "frames flow")
    frames, spent = sent(), cpu_s(d)
    until(lambda: sent() > frames + 500000, "half a million frames have gone over")
    rate = (sent() - frames) / (cpu_s(d) - spent)
    d.epair("set", name, "down")
    return rate


@case
def a_busy_pair_moves_its_frames_among_many():
    with Daemon() as alone, Daemon() as among:
        laid(among)
        ends = [(d, d.epair("create", *BUSY).strip()) for d in (alone, among)]
        for d, name in ends:
            d.epair("set", name[:-1] + "b", "up")
        rounds = [[frames_for_cpu_s(d, name) for d, name in ends] for _ in range(3)]
        ratio = statistics.median(many / one for one, many in rounds)
        print(f"# a busy pair among {PAIRS}: {ratio:.2f} of alone", flush=True)


main()
