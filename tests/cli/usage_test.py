#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What is written wrong is refused with status 2, and named with what would be right."""
import json
import os
import pathlib
import re
import tempfile

from harness import case, folder, main, run

VERBS = ["run", "demo", "create", "destroy", "show", "help"]
MAC = ["neither a group address nor zero"]
DECIMAL = ["is no number", "allowed"]

# What is written, and what the complaint must say beside that.
WRONG = [
    ([], ["a verb is needed", *VERBS]),
    (["frobnicate"], ["frobnicate: no such verb", *VERBS]),
    (["--frobnicate"], ["--frobnicate: no such option", "--version"]),
    (["-x"], ["-x: no such option", "--json"]),
    (["--json=yes", "run"], ["--json: takes no value"]),
    (["--help=yes"], ["--help: takes no value"]),
    (["run"], ["A and B missing", "epair help attach"]),
    (["run", "sink"], ["B missing"]),
    (["run", "sink", "sink", "echo"], ["echo: one too many"]),
    (["run", "--frobnicate", "sink", "sink"], ["--frobnicate: no such option", "--mtu"]),
    (["run", "sink", "--frobnicate", "sink"], ["--frobnicate: no such option", "--mtu"]),
    (["run", "sink", "sink", "--mtu"], ["--mtu: needs a value", "72 to 65535"]),
    (["run", "sink", "sink", "--mtu", "x"], ["--mtu: 'x' is no number", "72 to 65535"]),
    (["run", "sink", "sink", "--mtu", "1500x"], ["--mtu: '1500x' is no number"]),
    (["run", "sink", "sink", "--mtu", "-1"], ["--mtu: '-1' is no number"]),
    (["run", "sink", "sink", "--mtu", ""], ["--mtu: '' is no number"]),
    (["run", "sink", "sink", "--mtu", "71"], ["--mtu: '71' is too small", "72 to 65535"]),
    (["run", "sink", "sink", "--mtu", "65536"], ["--mtu: '65536' is too large"]),
    (["run", "sink", "sink", "--mtu", "9" * 30], ["--mtu", "is too large"]),
    (["run", "sink", "sink", "--mac-a", "x"], ["--mac-a: 'x' is no MAC address", *MAC]),
    (["run", "sink", "sink", "--mac-a", "02:00:00:00:00"], ["is no MAC address"]),
    (["run", "sink", "sink", "--mac-a", "02:00:00:00:00:0a:0b"], ["is no MAC address"]),
    (["run", "sink", "sink", "--mac-a", "02:00:00:00:00:100"], ["is no MAC address"]),
    (["run", "sink", "sink", "--mac-b", "01:00:00:00:00:01"],
     ["--mac-b", "is a group address", *MAC]),
    (["run", "sink", "sink", "--mac-b", "0:0:0:0:0:0"], ["--mac-b", "is the zero address", *MAC]),
    (["run", "sink", "sink", "--mac-a", "2:0:0:0:0:1", "--mac-b", "02:00:00:00:00:01"],
     ["--mac-b: is the same as --mac-a"]),
    (["run", "source", "sink", "--count", "0"], ["--count: '0' is too small"]),
    (["run", "source", "sink", "--count", "many"], ["--count: 'many'", *DECIMAL]),
    (["run", "sink", "sink", "--count", "1"], ["--count: neither A nor B is a source"]),
    (["run", "source:count=2", "sink", "--count", "1"], ["--count: source:count=2", "already"]),
    (["run", "source:size=64,count=2", "sink", "--count", "1"], ["--count", "already"]),
    (["run", "sink", "sink", "--time", "0"], ["--time: '0' is too short", "0.001 to 31536000"]),
    (["run", "sink", "sink", "--time", "soon"], ["--time: 'soon' is no number of seconds"]),
    (["run", "sink", "sink", "--time", "1."], ["--time: '1.' is no number"]),
    (["run", "sink", "sink", "--time", "-1"], ["--time: '-1' is no number"]),
    (["run", "sink", "sink", "--time", "9" * 40], ["--time", "is too long"]),
    (["run", "sink", "sink", "--ready-fd", "x"],
     ["--ready-fd: 'x' is no number", "open for writing"]),
    (["run", "sink", "sink", "--ready-fd", "99"],
     ["--ready-fd: 99 is not open", "open for writing"]),
    (["run", "sink", "sink", "--ready-fd", "0"],
     ["--ready-fd: 0 is not open for writing", "allowed"]),
    (["run", "sink", "sink", "--workers", "0"], ["--workers: '0' is too small", "1 to 64"]),
    (["run", "sink", "sink", "--workers", "65"], ["--workers: '65' is too large", "1 to 64"]),
    (["run", "sink", "sink", "--queues", "65"], ["--queues: '65' is too large", "1 to 64"]),
    (["run", "sink", "sink", "--poll-us", "1000001"], ["--poll-us", "0 to 1000000"]),
    (["run", "sink", "sink", "--capture", ""], ["--capture: '' is empty", "allowed: a file"]),
    (["run", "sink", "sink", "--filter", "arp"], ["--filter: there is no capture", "--capture"]),
    (["run", "sink", "sink", "--capture", "/dev/null", "--filter", "frob ("],
     ["--filter: 'frob ('", "pcap-filter(7)"]),
    (["run", "sink", "sink", "--json=1"], ["--json: takes no value"]),
    (["run", "frobnicate", "sink"], ["A: ", "frobnicate", "sink", "source"]),
    (["run", "sink", "frobnicate:a=b"], ["B: ", "frobnicate", "echo"]),
    (["run", "sink", ""], ["B: "]),
    (["run", "sink:frobnicate=1", "sink"], ["A: ", "frobnicate"]),
    (["run", "--qdisc-a", "fq_codel", "sink", "sink"], ["'fq_codel'", "codel, fq-codel"]),
    (["run", "source:size", "sink"], ["A: ", "size"]),
    (["run", "source:size=x", "sink"], ["A: ", "size", "x"]),
    (["run", "source:size=", "sink"], ["A: ", "size"]),
    (["demo", "red"], ["red: one too many"]),
    (["demo", "--capture", "-"], ["--capture: '-'", "allowed: a file"]),
    (["demo", "--time", "0"], ["--time: '0' is too short"]),
    (["demo", "--frobnicate"], ["--frobnicate: no such option", "--in-process"]),
    (["show", "a", "b"], ["b: one too many", "[IF]"]),
    (["show", "--vnet", "red", "a"], ["--vnet: does not go with a; allowed"]),
    (["show", "--as-config", "a"], ["--as-config: does not go with a"]),
    (["show", "--as-config", "--vnet", "red"], ["--as-config: does not go with --vnet"]),
    (["stats", "--vnet", "red", "a"], ["--vnet: does not go with a; allowed"]),
    (["stats", "--daemon", "-w"], ["--daemon: does not go with --watch"]),
    (["-j", "metrics"], ["--json", "Prometheus", "epair -j stats"]),
    (["destroy"], ["too few operands", "IF"]),
    (["attach", "epair0a"], ["too few operands", "IF KIND"]),
    (["create", "epair0", "mtu"], ["mtu: must be KEY=VALUE, as up=yes"]),
    (["set", "epair0a", "mtu"], ["mtu: needs a value"]),
    (["vnet", "frobnicate"], ["frobnicate: allowed are", "add", "list"]),
    (["vnet", "add"], ["the name of a vnet is missing"]),
    (["vnet", "add", "red", "onwer=root"], ["onwer=root: allowed are owner=USER"]),
    (["vnet", "set", "red"], ["red: nothing is set", "owner=USER and max-pairs=N"]),
    (["vnet", "add", "red", "owner=nobody-there"], ["owner=nobody-there", "no such user"]),
    (["vnet", "add", "red", "max-pairs=x"], ["max-pairs=x: must be a number"]),
    (["help", "frobnicate"], ["frobnicate: no such topic", "attach", *VERBS]),
    (["help", "run", "demo"], ["demo: one topic"]),
    (["help", "--frobnicate"], ["--frobnicate: no such option"]),
]

# What is written right, but cannot be done here.
CANNOT = [
    (["run", "tap:netns=/run/epair-test-none", "sink"], ["A: ", "epair-test-none"]),
    (["run", "sink", "tap:netns=/epair/test/none"], ["B: ", "/epair/test/none"]),
    (["run", "sink", "tap:netns=4194305"], ["B: ", "4194305"]),
    (["run", "sink", "sink", "--capture", "/epair/test/none"],
     ["--capture: /epair/test/none", "No such file"]),
    (["run", "sink", "sink", "--capture", "/"], ["--capture: /: Is a directory"]),
    (["demo", "--capture", "/epair/test/none"], ["--capture: /epair/test/none"]),
    (["apply", "/"], ["/: Is a directory"]),
    (["apply", "/epair/test/none"], ["/epair/test/none: No such file"]),
]


def check(args, words, status):
    done = run(*args, status=status)
    assert done.out == "", f"{args}: printed {done.out!r}"
    lines = done.err.splitlines()
    assert len(lines) == 1 and lines[0].startswith("epair"), f"{args}: said {done.err!r}"
    for word in words:
        assert word in done.err, f"{args}: no {word!r} in {done.err!r}"


@case
def wrong_usage_is_named_with_what_is_allowed():
    for args, words in WRONG:
        check(args, words, 2)


@case
def wrong_usage_with_j_is_complained_of_as_text():
    for args, words in WRONG:
        if args and args[0] in VERBS:
            check(["-j", *args], words, 2)


@case
def what_cannot_be_done_is_status_1():
    for args, words in CANNOT:
        check(args, words, 1)


@case
def a_run_that_fails_leaves_no_capture_behind():
    with folder() as where:
        path = os.path.join(where, "capture")
        run("run", "sink", "frobnicate", "--capture", path, status=2)
        run("run", "sink", "tap:netns=epair-test-none", "--capture", path, status=1)
        assert os.listdir(where) == []


@case
def a_run_that_fails_leaves_an_older_capture_as_it_was():
    with tempfile.NamedTemporaryFile() as old:
        old.write(b"an older capture")
        old.flush()
        run("run", "sink", "frobnicate", "--capture", old.name, status=2)
        run("run", "sink", "tap:netns=epair-test-none", "--capture", old.name, status=1)
        with open(old.name, "rb") as again:
            assert again.read() == b"an older capture"


@case
def help_is_there_for_the_tool_and_every_verb():
    for args in ["-h"], ["--help"], ["help"]:
        out = run(*args, status=0).out
        for verb in VERBS:
            assert verb in out
    for verb in VERBS:
        texts = {run(*args, status=0).out
                 for args in ([verb, "-h"], [verb, "--help"], ["help", verb])}
        assert len(texts) == 1 and f"usage: epair {verb}" in texts.pop()


@case
def help_is_there_as_json():
    run_verb = json.loads(run("-j", "help", "run", status=0).out)
    assert run_verb["verb"] == "run" and run_verb["operands"] == "A B"
    options = {opt["option"]: opt for opt in run_verb["options"]}
    assert options["mtu"]["arg"] == "N" and options["json"]["letter"] == "j"
    assert "arg" not in options["sim"]
    for verb in json.loads(run("-j", "help", status=0).out)["verbs"]:
        assert json.loads(run("-j", verb["verb"], "--help", status=0).out)["text"]


@case
def every_option_stands_in_the_manual():
    pages = [p.read_text() for p in (pathlib.Path(os.environ["SOURCE_ROOT"]) / "man").glob("*.8")]
    for verb in json.loads(run("-j", "help", status=0).out)["verbs"]:
        of = [p for p in pages if re.search(rf"^\.Nm epair-{verb['verb']}\b", p, re.MULTILINE)]
        for opt in json.loads(run("-j", verb["verb"], "--help", status=0).out)["options"]:
            if of and opt["option"] != "json":
                assert re.search(rf"^\..*-{opt['option']}\b", of[0], re.MULTILINE), (verb, opt)


@case
def help_attach_lists_kinds_and_their_keys():
    out = run("help", "attach", status=0).out
    for word in "echo", "sink", "source", "count=":
        assert word in out, f"no {word} in {out}"
    kinds = json.loads(run("help", "attach", "-j", status=0).out)["kinds"]
    assert {"echo", "sink", "source"} <= {kind["kind"] for kind in kinds}
    for kind in kinds:
        assert kind["sentence"] and isinstance(kind["keys"], list)
        assert kind["kind"] in out


@case
def the_version_is_printed():
    out = run("--version", status=0).out
    assert out.startswith("epair 0.") and out == run("-V", status=0).out
    assert json.loads(run("-j", "--version", status=0).out)["version"] in out


@case
def help_that_cannot_be_written_is_status_1():
    with open("/dev/full", "wb") as full:
        import subprocess
        from harness import EPAIR
        done = subprocess.run([EPAIR, "help"], stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 1 and b"standard output" in done.stderr


main()
