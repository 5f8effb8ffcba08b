#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""epair apply: the wanted state, and nothing beside it."""
import os

from daemon import Daemon
from harness import case, main, run

LAB = """
vnets:
- name: red
  owner: nobody
  max-pairs: 5
pairs:
- name: epair7
  mtu: 9000
  a: {vnet: red, up: yes, descr: "the red: one"}
  b: {attach: echo, link: delay 10ms loss 1%, qdisc: "fifo:limit=10", up: on}
- name: epair8
  a: {name: wan, ether: "02:00:00:00:00:0a"}
"""


def write(d, text, name="lab.yaml"):
    path = os.path.join(d.folder.name, name)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


@case
def a_file_is_made_so_and_then_nothing_differs():
    with Daemon() as d:
        lab = write(d, LAB)
        assert "create epair7 --vnet vnet0" in d.epair("apply", "--dry-run", lab)
        assert d.json("show") == []
        assert "2 pairs made" in d.epair("apply", lab)
        a, b = d.json("show", "red/epair7a")[0], d.json("show", "epair7b")[0]
        assert (a["mtu"], a["ifalias"], b["attachment"]) == (9000, "the red: one", "echo")
        assert b["qdisc"] == "fifo:limit=10" and "UP" in a["flags"] and "UP" in b["flags"]
        assert d.json("show", "wan")[0]["address"] == "02:00:00:00:00:0a"
        assert d.json("vnet", "list")[1]["max-pairs"] == 5
        before = d.json("show")
        assert d.epair("apply", lab).startswith("0 steps")
        assert d.json("show") == before


@case
def only_what_differs_is_changed_and_what_is_not_mentioned_stays():
    with Daemon() as d:
        d.epair("apply", write(d, LAB))
        d.epair("set", "epair7b", "descr", "mine", "mtu", "1400")
        d.epair("create", "epair9")
        steps = d.epair("apply", "-n", write(d, LAB)).splitlines()
        assert steps == ["set vnet0/epair7b mtu 9000"], steps
        d.epair("apply", write(d, LAB))
        b = d.json("show", "epair7b")[0]
        assert (b["mtu"], b["ifalias"]) == (9000, "mine")
        d.epair("show", "epair9a")
        d.epair("apply", write(d, "pairs:\n- name: epair7\n  b: {attach: sink}\n"))
        assert d.json("show", "epair7b")[0]["attachment"] == "sink"
        d.epair("apply", write(d, "pairs:\n- name: epair7\n  b: {attach: none}\n"))
        assert d.json("show", "epair7b")[0]["attachment"] == ""


@case
def what_is_shown_as_a_file_makes_the_same_again():
    with Daemon() as d, Daemon() as other:
        d.epair("apply", write(d, LAB))
        d.epair("create", "--vnet", "red", "b.vnet=vnet0", "b.attach=source:rate=1,size=64")
        # Texts of digits are no numbers.
        d.epair("create", "a.descr=007", "b.descr=99999999999999999999")
        shown = d.epair("show", "--as-config")
        path = write(d, shown, "shown.yaml")
        assert d.epair("apply", path).startswith("0 steps")
        other.epair("apply", path)
        assert other.epair("show", "--as-config") == shown
        assert d.json("show", "--as-config") == other.json("show", "--as-config")


@case
def a_file_that_cannot_be_made_so_changes_nothing():
    wrong = {
        "pairs:\n- name: epair7\n- name: epair8\n  mtu: 1\n": "mtu '1': must be 72 to 65535",
        "pairs:\n- name: epair7\n  a: {colour: red}\n":
            "unknown word 'colour'; known are vnet, attach, up, down,",
        "pairs:\n- name: epair7\n  colour: red\n":
            "unknown word 'colour'; known are vnet, mac-policy, a, b, up, down,",
        "pairs:\n- name: epair7\n- name: epair7\n": "epair7",
        "pairs:\n- name: epair7\n  a: {vnet: blue}\n": "no vnet blue",
        "pairs:\n- name: epair7\n  a: {attach: frob}\n": "unknown kind 'frob'",
        "pairs:\n- mtu: 1500\n": "a pair needs a name",
        "pairs:\n- name: epair7\n  attach: echo\n": "epair7: attach: is said of an end, a or b",
        "pairs:\n- name: epair7\n  a: {mac-policy: stable}\n": "mac-policy: is said of the pair",
        "vnets:\n- name: red\n  kinds: echo\n": "unknown member 'kinds'; known are name, kind",
        "vnets:\n- name: vnet0\n  kind: echo\n": "the kind of vnet vnet0 is none, and cannot be",
        "pairs:\n- name: epair7\n  a: up\n": "a: must have members",
        "vnets:\n- name: red\n- name: green\n  owner: nobody-there\n": "no such user",
        "vnets:\n- name: red\n- name: red\n  kind: frob\n": "",
        "vnets:\n- name: red\n  kind: frob\n": "frob",
        "pears: []\n": "pears: allowed are vnets: and pairs:",
        "pairs: epair7\n": "pairs: must be a list",
        "pairs:\n- name: [epair7\n": "line",
        "a: &x 1\nb: *x\n": "anchors",
        "pairs: !!set {}\n": "tags",
        "pairs: []\npairs: []\n": "line 2: this key is there twice",
        "--- {}\n--- {}\n": "second document",
        "[" * 40: "nested too deep",
    }
    with Daemon() as d:
        d.epair("create", "epair8", "mtu=1400")
        before = d.json("show"), d.json("vnet", "list")
        for text, why in wrong.items():
            done = run("--socket", d.socket, "apply", write(d, text))
            assert done.returncode in (1, 2), text
            assert why in done.err, (text, done.err)
            assert (d.json("show"), d.json("vnet", "list")) == before, text
        assert "No such file" in d.refused("apply", "/epair/test/none")


@case
def ten_thousand_pairs_are_made_by_one_file_with_progress():
    with Daemon() as d, d.client() as c:
        pairs = [{"name": f"epair{n}"} for n in range(10000)]
        assert len(c.result("apply", pairs=pairs, progress=True)["made"]) == 10000
        for note in c.notified:
            assert note["method"] == "progress" and note["params"]["steps"] == 10000
        assert len(d.json("show")) == 20000
        assert d.json("show", "epair9999b")[0]["ifname"] == "epair9999b"
        d.epair("destroy", "epair5000a")
        assert d.epair("create") == "epair5000a\n"
        # One that fails at its end is taken back.
        pairs = [{"name": f"epair{n}"} for n in range(10000, 12000)] + [{"name": "epair", "mtu": 1}]
        assert c.error("apply", pairs=pairs)[0] == "EINVAL"
        assert c.result("daemon")["usage"]["pairs"] == 10000


main()
