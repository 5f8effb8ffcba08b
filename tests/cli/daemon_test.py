#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Verbs against a daemon: what they do, and what they refuse."""
import json
import os
import subprocess

from daemon import EPAIRD, Daemon
from harness import case, main, run


@case
def create_prints_the_a_end_and_takes_the_lowest_unit():
    with Daemon() as d:
        assert d.epair("create") == "epair0a\n"
        assert d.epair("create", "epair7") == "epair7a\n"
        assert d.epair("create") == "epair1a\n"
        assert "vnet0 has a pair epair7" in d.refused("create", "epair7")
        assert "epairx" in d.refused("create", "epairx", status=2)


@case
def create_makes_all_that_is_said_or_nothing():
    with Daemon() as d:
        d.epair("vnet", "add", "red")
        d.epair("create", "mtu=9000", "b.vnet=red", "a.attach=sink", "a.descr=here", "b.up=yes")
        a, b = d.json("show", "epair0a")[0], d.json("show", "red/epair0b")[0]
        assert (a["mtu"], a["attachment"], a["ifalias"]) == (9000, "sink", "here")
        assert b["mtu"] == 9000 and "UP" in b["flags"] and "UP" not in a["flags"]
        before = d.json("show")
        for wrong in ["mtu=1", "a.colour=red", "a.attach=frobnicate", "b.vnet=blue"]:
            assert d.refused("create", "a.descr=x", wrong, status=1 if "blue" in wrong else 2)
        assert d.json("show") == before


@case
def set_sets_all_words_or_none():
    with Daemon() as d:
        d.epair("create")
        d.epair("set", "epair0a", "mtu", "1400", "up", "name", "wan")
        assert d.json("show", "wan")[0]["mtu"] == 1400
        before = d.json("show")
        assert "colour" in d.refused("set", "wan", "mtu", "1300", "down", "colour", "x", status=2)
        assert d.json("show") == before


@case
def a_pair_ends_by_either_end():
    with Daemon() as d:
        d.epair("create")
        d.epair("destroy", "epair0b")
        assert "no interface epair0b" in d.refused("destroy", "epair0b")
        assert d.json("show") == []


@case
def vnets_hold_what_is_moved_into_them_and_give_it_what_they_are_told():
    with Daemon() as d:
        d.epair("vnet", "add", "red", "sink")
        d.epair("create")
        d.epair("move", "epair0b", "red")
        assert d.json("show", "epair0b")[0]["attachment"] == "sink"
        assert d.json("vnet", "list")[1] == {"name": "red", "pairs": 0, "kind": "sink"}
        d.epair("vnet", "del", "red")
        shown = d.json("show", "epair0b")[0]
        assert (shown["vnet"], shown["attachment"]) == ("vnet0", "")
        assert "vnet0 cannot be ended" in d.refused("vnet", "del", "vnet0")
        assert "no vnet red" in d.refused("vnet", "del", "red")


@case
def without_a_daemon_verbs_say_where_they_looked():
    done = run("--socket", "/epair/test/none", "show", status=1)
    assert "/epair/test/none: no daemon is there; start epaird" in done.err


@case
def a_second_daemon_at_the_same_socket_is_refused():
    with Daemon() as d:
        done = subprocess.run([EPAIRD, "--socket", d.socket], capture_output=True, check=False)
        assert done.returncode == 1 and b"a daemon is there already" in done.stderr
        d.epair("create")


@case
def a_socket_that_nobody_listens_on_is_replaced():
    with Daemon() as d:
        d.process.kill()
        d.process.wait()
        assert os.path.exists(d.socket)
        d.start()
        d.epair("create")
    assert not os.path.exists(d.socket)


@case
def introspect_lists_the_methods():
    with Daemon() as d, d.client() as c:
        methods = {m["name"]: m for m in c.result("introspect")["methods"]}
        assert {"create", "show", "apply", "monitor", "capture"} <= methods.keys()
        assert c.error("frobnicate")[0] == "ENOSYS"
        assert "known are" in c.error("show", frobnicate=1)[1]
        json.dumps(methods)


main()
