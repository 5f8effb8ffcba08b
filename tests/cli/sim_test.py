#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""epair run --sim: simulated time, the same for the same seed."""
import pathlib
import time

from harness import Skip, case, folder, main, run, run_json

BAD = "delay 20ms 5ms loss 1% reorder 1% gap 5 duplicate 1%"
SERVER = "lwip:addr=10.0.0.2/24,addr=fd00::2/64"


def client(jobs):
    return f"lwip:addr=10.0.0.1/24,addr=fd00::1/64,{jobs}"


def need_lwip():
    if "not in this build" in run("run", "--sim", "--time", "0.001", "lwip", "sink").err:
        raise Skip("lwIP is not in this build")


def told(doc):
    return [event["detail"] for event in doc["events"] if event["event"] == "attachment"]


def captured(*args, seed, **options):
    """What such a run prints, and its capture."""
    with folder() as path:
        file = pathlib.Path(path) / "c.pcapng"
        out = run("run", "--sim", "--seed", str(seed), "--capture", str(file), *args, status=0,
                  **options).out
        return out.replace(path, ""), file.read_bytes()


@case
def time_that_passes_takes_no_time():
    began = time.monotonic()
    doc = run_json("run", "--sim", "--time", "3600", "source:rate=10", "sink")
    assert doc["ended"] == "time"
    assert doc["interfaces"][1]["stats"]["delivered"] in (36000, 36001)
    assert time.monotonic() - began < 60


@case
def run_ends_when_nothing_is_left_to_do():
    doc = run_json("run", "--sim", "--link-a", "delay 10s", "source:count=100", "sink")
    assert doc["ended"] == "done"
    assert doc["interfaces"][1]["stats"]["delivered"] == 100


@case
def count_is_sent_and_received():
    doc = run_json("run", "--sim", "--count", "5000", "--link-a", "loss every 5", "source", "sink")
    assert doc["ended"] == "count"
    assert doc["interfaces"][1]["stats"]["delivered"] == 4000


@case
def same_seed_gives_the_same_run_to_the_octet():
    args = ["--link-a", BAD, "--qdisc-a", "fq-codel", "--link-b", BAD, "--time", "30",
            "source:rate=1000,count=3000", "echo"]
    runs = [captured(*args, seed=seed) for seed in (1, 2, 1)]
    assert runs[0] == runs[2]
    assert runs[0] != runs[1]
    # Nor do the user's zone and language matter.
    assert captured(*args, seed=1, env={"TZ": "Asia/Tokyo", "LC_ALL": "C"}) == runs[0]


@case
def same_seed_gives_the_same_conversation_of_lwip():
    need_lwip()
    args = ["--link-a", BAD, "--link-b", BAD,
            client("ping=fd00::2,send=10.0.0.2,bytes=300k"), SERVER]
    runs = [captured(*args, seed=seed) for seed in (1, 2, 1)]
    assert runs[0] == runs[2]
    assert runs[0] != runs[1]


@case
def capture_of_simulated_time_loses_nothing():
    with folder() as path:
        doc = run_json("run", "--sim", "--capture", f"{path}/c.pcapng", "--count", "30000",
                       "source:size=1500", "sink")
    assert doc["capture"]["lost"] == 0
    assert doc["capture"]["frames"] == 60000


@case
def replay_of_a_capture_is_the_same_again():
    with folder() as path:
        run("run", "--sim", "--capture", f"{path}/first", "--time", "5",
            "source:rate=100,count=200", "sink", status=0)
        doc = run_json("run", "--sim", f"pcap:read={path}/first,dir=out",
                       f"pcap:write={path}/second")
        assert doc["ended"] == "done"
        assert doc["interfaces"][1]["stats"]["delivered"] == 200


@case
def long_stream_over_a_bad_cable_arrives_whole():
    need_lwip()
    doc = run_json("run", "--sim", "--seed", "1", "--link-a", BAD, "--link-b", BAD,
                   client("send=10.0.0.2,port=9,bytes=64M"), SERVER)
    sent, = (text for text in told(doc) if text.startswith("send "))
    got, = (text for text in told(doc) if text.startswith("discard: 67108864 octets "))
    assert doc["ended"] == "done"
    assert sent.split("CRC-32 ")[1][:8] == got.split("CRC-32 ")[1][:8]


@case
def hour_of_a_slow_stream_passes():
    need_lwip()
    slow = "rate 1mbit limit 50"
    doc = run_json("run", "--sim", "--time", "3600", "--link-a", slow, "--link-b", slow,
                   client("send=10.0.0.2,bytes=1G"), SERVER)
    assert doc["ended"] == "time"
    for end in doc["interfaces"]:
        assert end["stats"]["ibytes"] > 3600 * 1000000 / 8 * 0.8


@case
def scenario_changes_the_cable_at_its_times():
    with folder() as path:
        file = pathlib.Path(path) / "s"
        file.write_text("# it breaks and is mended\nat 1s link a cut\nafter 2s link a cut off\n"
                        "at 10s end\nat 11s down both\n")
        doc = run_json("run", "--sim", "--scenario", str(file), "source:rate=100", "sink")
        a, b = (end["stats"] for end in doc["interfaces"])
        assert doc["ended"] == "scenario"
        assert a["drops"] == {"cut": 200}
        assert b["delivered"] == a["opackets"] - 200 and 1000 <= a["opackets"] <= 1001
        assert [event["detail"] for event in doc["events"] if event["event"] == "scenario"] == \
            ["line 2: link a cut", "line 3: link a cut off", "line 4: end"]


@case
def scenario_runs_in_real_time_too():
    with folder() as path:
        file = pathlib.Path(path) / "s"
        file.write_text("at 10ms detach b\nafter 10ms attach b echo\nat 50ms end\n")
        doc = run_json("run", "--scenario", str(file), "source:rate=1000", "sink")
        assert doc["ended"] == "scenario"
        assert doc["interfaces"][1]["attachment"] == "echo"


@case
def scenario_with_a_fault_is_refused_with_its_line():
    with folder() as path:
        file = pathlib.Path(path) / "s"
        file.write_text("at 1s link a cut\nat 2s link a cot\n")
        done = run("run", "--sim", "--scenario", str(file), "source", "sink", status=2)
        assert f"{file}:2: link: " in done.err and done.out == ""
        file.write_text("at 1s attach a sink\n")
        done = run("run", "--sim", "--scenario", str(file), "source:rate=10", "sink",
                   "--time", "2", status=1)
        assert "1 of 1 steps were refused" in done.err
        run("run", "--sim", "--scenario", path + "/none", "source", "sink", status=1)


@case
def what_cannot_live_in_it_is_refused_by_name():
    for spec in "tap", "memif:path=@x", "qemu:path=@x":
        done = run("run", "--sim", spec, "sink", status=1)
        assert spec.split(":", maxsplit=1)[0] in done.err and "simulated time" in done.err


@case
def work_without_end_at_one_instant_ends():
    done = run("run", "--sim", "--time", "1", "source", "sink", status=1)
    assert "without time passing" in done.err


@case
def wrong_options_are_named():
    for args in (["--seed", "5"], ["--sim", "--seed", "x"], ["--sim", "--workers", "2"],
                 ["--sim", "--poll-us", "5"]):
        done = run("run", *args, "source", "sink", status=2)
        assert args[-2] in done.err


main()
