#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Completion: what the tool offers, and what bash and zsh make of it."""
import os
import subprocess

from daemon import Daemon
from harness import EPAIR, TIMEOUT, case, main, need, run, run_json

COMPLETION = os.path.join(os.environ["SOURCE_ROOT"], "packaging/completion")


def offered(*words, socket=None):
    at = ["--socket", socket] if socket else []
    return run("complete", "--", *at, *words, status=0).out.split()


@case
def every_verb_is_offered():
    verbs = [v["verb"] for v in run_json("help")["verbs"]]
    assert offered("") == verbs
    assert offered("de") == [v for v in verbs if v.startswith("de")]
    assert offered("-j", "dem") == ["demo"]
    assert offered("frobnicate", "") == []


@case
def every_option_of_a_verb_is_offered():
    assert {"--mtu", "--mac-a", "--capture", "--help"} <= set(offered("run", "-"))
    assert offered("run", "--mt") == ["--mtu"]
    # What an option takes is no operand.
    assert offered("run", "--mtu", "") == []
    assert "tap:" in offered("run", "--mtu", "1500", "")


@case
def kinds_and_their_keys_are_offered():
    kinds = run_json("help", "attach")["kinds"]
    for operands in ["run"], ["run", "sink"], ["attach", "epair0a"]:
        assert [k.rstrip(":") for k in offered(*operands, "")] == [k["kind"] for k in kinds]
    assert "tap:netns=" in offered("run", "tap:")
    assert "tap:netns=red,addr=" in offered("run", "tap:netns=red,ad")


@case
def words_that_are_chosen_from_are_offered():
    for words, choice in [(["wait", "epair0a"], ["up", "attached", "gone"]),
                          (["run", "--full"], ["drop", "wait"]),
                          (["create", "--mac-policy"], ["original", "stable"]),
                          (["capture", "-Q"], ["in", "out"]),
                          (["vnet"], ["add", "set", "del", "list"])]:
        assert offered(*words, "") == choice, words
    assert {"up", "mtu", "qdisc"} <= set(offered("set", "epair0a", ""))
    assert offered("--so") == ["--socket"]


@case
def settings_of_a_new_pair_are_offered():
    assert {"a.", "b.", "up=", "mtu="} <= set(offered("create", "epair7", ""))
    assert {"b.attach=", "b.vnet=", "b.up="} <= set(offered("create", "b."))
    assert offered("create", "a.attach=ta") == ["a.attach=tap:"]
    assert offered("create", "a.attach=tap:netns=red,ad") == ["a.attach=tap:netns=red,addr="]


@case
def names_are_asked_of_the_daemon():
    with Daemon() as d:
        d.epair("create")
        d.epair("vnet", "add", "red")
        d.epair("create", "--vnet", "red")
        names = ["epair0a", "epair0b", "red/epair0a", "red/epair0b"]
        for verb in "show", "destroy", "set", "link", "attach", "move", "wait":
            assert offered(verb, "", socket=d.socket) == names, verb
        assert offered("destroy", "red/epair0b", socket=d.socket) == ["red/epair0b"]
        assert offered("move", "epair0a", "", socket=d.socket) == ["vnet0", "red"]
        assert offered("vnet", "del", "", socket=d.socket) == ["vnet0", "red"]
        assert offered("create", "--vnet", "", socket=d.socket) == ["vnet0", "red"]
    assert offered("show", "", socket="/epair/test/none") == []


def in_bash(line):
    script = f"""
        epair() {{ {EPAIR} "$@"; }}
        source {COMPLETION}/epair.bash
        COMP_LINE={line!r} COMP_POINT={len(line)}
        compopt() {{ :; }}
        _epair; printf '%s\\n' "${{COMPREPLY[@]}}" """
    return subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True,
                          timeout=TIMEOUT).stdout.split()


@case
def bash_completes():
    assert in_bash("epair dem") == ["demo"]
    assert in_bash("epair run --mt") == ["--mtu"]
    assert in_bash("epair vnet ") == ["add", "set", "del", "list"]
    assert in_bash("epair run ta") == ["tap:"]
    # What stands before a colon or an equals sign is there already.
    assert in_bash("epair run tap:na") == ["name="]
    assert in_bash("epair run tap:netns=red,ad") == ["red,addr="]
    assert in_bash("epair create b.attach=ta") == ["tap:"]


def in_zsh(*words):
    script = f"""
        epair() {{ {EPAIR} "$@"; }}
        compadd() {{ print -l -- ${{(P)@[-1]}}; }}
        _files() {{ print files; }}
        words=({" ".join(repr(w) for w in words)}) CURRENT=$#words
        source {COMPLETION}/epair.zsh"""
    return subprocess.run(["zsh", "-fc", script], capture_output=True, text=True, check=True,
                          timeout=TIMEOUT).stdout.split()


@case
def zsh_completes():
    need("zsh")
    assert in_zsh("epair", "dem") == ["demo"]
    assert in_zsh("epair", "run", "ta") == ["tap:"]
    assert in_zsh("epair", "frobnicate", "") == ["files"]


if __name__ == "__main__":
    main()
