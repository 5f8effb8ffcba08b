#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Verbs against a daemon: what they do, and what they refuse."""
import json
import os
import subprocess

from daemon import EPAIRD, Daemon
from harness import TIMEOUT, case, main, run, until


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
def show_of_one_tells_what_its_link_and_discipline_did():
    with Daemon() as d:
        d.epair("create", "a.link=loss every 10 duplicate 100%", "a.qdisc=htb:by=dscp,class=3:100mbit",
                "b.link=delay 1ms", "b.qdisc=fq-codel", "b.attach=sink",
                "a.attach=source:count=200,size=500", "up=yes")
        until(lambda: d.json("show", "epair0a")[0]["impair"]["dropped"] == 20, "all have been sent")
        a = d.json("show", "epair0a")[0]
        assert a["impair"]["sent"] == 200 and a["impair"]["duplicated"] == 180, a
        assert a["impair"]["waiting_bytes"] == a["impair"]["under_way_bytes"] == 0
        assert a["qdisc_stats"]["sent_bytes"] == 100000
        assert [c["sent"] for c in a["qdisc_stats"]["classes"]] == [200, 0, 0, 0, 0, 0, 0, 0]
        assert sum(d.json("show", "epair0b")[0]["histograms"]["bursts"]) > 0
        shown = d.epair("show", "epair0a")
        assert "\tlink: loss every 10 duplicate 100%\n\tlink sent 200 dropped 20 " in shown
        assert "\tqdisc sent 200 bytes 100000 dropped 0 " in shown
        assert "\tqdisc class 0 sent 200 " in shown and "qdisc class 1" not in shown
        # Of all at once it would be too much.
        assert "link sent" not in d.epair("show")
        assert not {"impair", "qdisc_stats", "histograms"} & d.json("show")[0].keys()


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
def what_is_of_the_state_needs_a_folder():
    for option in "--forget", "--takeover", "--fd-store":
        done = subprocess.run([EPAIRD, "--socket", "/epair/test/none", option],
                              capture_output=True, text=True, timeout=TIMEOUT, check=False)
        assert done.returncode == 2 and f"{option}: with --socket alone" in done.stderr, done


@case
def folders_that_are_not_there_are_refused():
    for folders, why in [("/tmp:/epair/test/none", "/epair/test/none: No such file or directory"),
                         ("/dev/null", "/dev/null: Not a directory"), ("/tmp:", ": No such file")]:
        done = subprocess.run([EPAIRD, "--socket", "/tmp/epair-test-none", "--files", folders],
                              capture_output=True, text=True, timeout=TIMEOUT, check=False)
        assert done.returncode == 1 and f"--files: {why}" in done.stderr, done


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
def a_listing_goes_on_behind_a_vnet_that_has_ended_meanwhile():
    with Daemon() as d, d.client() as c:
        for vnet, pairs in ("red", 300), ("blue", 1):
            c.result("vnet-add", name=vnet)
            c.result("apply", pairs=[{"name": f"epair{n}", "vnet": vnet} for n in range(pairs)])
        page = c.result("show")
        assert len(page["interfaces"]) == 500
        c.result("vnet-del", name="red")
        rest = c.result("show", after=page["more"])
        assert [i["vnet"] for i in rest["interfaces"]] == ["blue", "blue"] and "more" not in rest
        for wrong in "red/5", "1/x", "1", "", "1/2/3":
            assert c.error("show", after=wrong)[0] == "EINVAL", wrong


@case
def introspect_lists_the_methods():
    with Daemon() as d, d.client() as c:
        methods = {m["name"]: m for m in c.result("introspect")["methods"]}
        assert {"create", "show", "apply", "monitor", "capture"} <= methods.keys()
        assert c.error("frobnicate")[0] == "ENOSYS"
        assert "known are" in c.error("show", frobnicate=1)[1]
        json.dumps(methods)

@case
def every_interface_is_in_the_group_epair():
    with Daemon() as d:
        d.epair("vnet", "add", "red")
        d.epair("create", "epair0", "b.vnet=red")
        d.epair("set", "epair0a", "name", "wan")
        assert {i["ifname"]: i["group"] for i in d.json("show")} == \
            {"wan": "epair", "epair0b": "epair"}
        assert d.epair("show").count("\tgroups: epair\n") == 2


main()
