#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""epair run --link-a ...: what the cable does to frames, and that all of them are accounted for."""
import os
import time

from harness import case, folder, main, run, run_json


def ends(doc):
    return [end["stats"] for end in doc["interfaces"]]


@case
def lost_frames_are_counted_by_reason():
    a, b = ends(run_json("run", "--count", "900", "--link-a", "loss every 3", "source", "sink"))
    assert a["opackets"] == 900
    assert a["drops"] == {"loss": 300}
    assert b["delivered"] == 600


@case
def each_direction_has_a_link_of_its_own():
    doc = run_json("run", "--count", "100", "--link-a", "duplicate 100%", "--link-b", "loss 100%",
                   "source", "source")
    a, b = ends(doc)
    assert a["opackets"] == b["opackets"] == 100
    assert b["delivered"] == 200 and a["delivered"] == 0


@case
def delayed_frames_are_waited_for():
    began = time.monotonic()
    a, b = ends(run_json("run", "--count", "10", "--link-a", "delay 300ms", "source", "sink"))
    assert b["delivered"] == a["opackets"] == 10
    assert time.monotonic() - began >= 0.3


@case
def frames_wait_in_the_discipline_for_the_rate():
    a, b = ends(run_json("run", "--count", "100", "--link-a", "rate 10mbit", "--qdisc-a",
                         "fifo:limit=20", "source:size=1000", "sink"))
    assert a["drops"].keys() == {"qdisc"}
    assert b["delivered"] == a["opackets"] == 100 - a["drops"]["qdisc"] >= 20


@case
def slots_are_as_far_apart_as_a_file_says():
    with folder() as where:
        path = os.path.join(where, "slots.dist")
        with open(path, "w", encoding="ascii") as table:
            table.write("8192\n")  # the jitter, always
        words = f"slot distribution {path} 10ms 2ms packets 2"
        doc = run_json("run", "--sim", "--count", "10", "--link-a", words, "source", "sink")
    assert doc["interfaces"][0]["impair"]["words"] == words
    assert doc["interfaces"][1]["stats"]["delivered"] == 10
    assert doc["events"][-1]["timestamp"] == "1970-01-01T00:00:00.060000"


@case
def bits_are_in_error_at_the_rate_that_is_shown_back():
    doc = run_json("run", "--sim", "--seed", "1", "--count", "1000", "--link-a", "ber 0.0001",
                   "source:size=1000", "sink")
    link = doc["interfaces"][0]["impair"]
    assert link["words"] == "ber 1e-4"
    # 1 - (1 - 1e-4)^8000 of a thousand, give or take three sigma
    assert 503 <= link["corrupted"] <= 598, link


@case
def wrong_words_are_named():
    for args in (["--link-a", "dealy 5ms"], ["--link-b", "delay 5"], ["--link-a", "ber 2"], ["--qdisc-a", "red"],
                 ["--qdisc-b", "fifo:limit=0"]):
        done = run("run", *args, "source", "sink", status=2)
        assert args[0] in done.err


main()
