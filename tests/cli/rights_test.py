#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Two users on one daemon: neither can see, change, capture or starve what is the other's.

    root    vnet0: epair0a, epair0b
    alice   vnet red: epair0a, epair0b (at most 2 pairs)
    bob     vnet blue: epair0a; its b end, epair0b, was moved to red by root
"""
import json
import os
import subprocess
import tempfile

from daemon import Client, Daemon
from harness import EPAIR, case, main, need_root, need_tun, run, until

ALICE, BOB = 61001, 61002
SECRETS = ["secret", "blue", "bob"]


def client(d, uid):
    """SO_PEERCRED is whoever connects."""
    os.seteuid(uid)
    try:
        return Client(d.socket)
    finally:
        os.seteuid(0)


def lab():
    need_root()
    d = Daemon()
    d.epair("create", "a.descr=secret0")
    d.epair("vnet", "add", "red", f"owner={ALICE}", "max-pairs=2")
    d.epair("vnet", "add", "blue", f"owner={BOB}")
    d.epair("create", "--vnet", "red")
    d.epair("create", "--vnet", "blue", "a.descr=secretblue", "b.name=moved", "b.vnet=red")
    return d


# What alice tries: the method, its parameters, and the errno of its refusal.
ATTEMPTS = [
    ("show", {"if": "vnet0/epair0a"}, "ENOENT"),
    ("show", {"if": "blue/epair0a"}, "ENOENT"),
    ("show", {"vnet": "blue"}, "ENOENT"),
    ("show", {"vnet": "vnet0"}, "ENOENT"),
    ("create", {"vnet": "blue"}, "ENOENT"),
    ("create", {"vnet": "vnet0"}, "ENOENT"),
    ("create", {"b": {"vnet": "blue"}}, "ENOENT"),
    ("create", {"b": {"vnet": "nowhere"}}, "ENOENT"),
    ("destroy", {"if": "blue/epair0a"}, "ENOENT"),
    ("destroy", {"if": "vnet0/epair0a"}, "ENOENT"),
    ("destroy", {"if": "red/moved"}, "EPERM"),
    ("set", {"if": "blue/epair0a", "words": {"mtu": 1400}}, "ENOENT"),
    ("set", {"if": "vnet0/epair0b", "words": {"up": None}}, "ENOENT"),
    ("attach", {"if": "blue/epair0a", "spec": "sink"}, "ENOENT"),
    ("detach", {"if": "vnet0/epair0a"}, "ENOENT"),
    ("move", {"if": "red/epair0a", "vnet": "blue"}, "ENOENT"),
    ("move", {"if": "red/epair0a", "vnet": "vnet0"}, "ENOENT"),
    ("move", {"if": "blue/epair0a", "vnet": "red"}, "ENOENT"),
    ("apply", {"pairs": [{"name": "epair0", "vnet": "blue", "mtu": 1400}]}, "ENOENT"),
    ("apply", {"vnets": [{"name": "green"}]}, "EPERM"),
    ("apply", {"vnets": [{"name": "red", "max-pairs": 0}]}, "EPERM"),
    ("vnet-add", {"name": "green"}, "EPERM"),
    ("vnet-set", {"name": "red", "max-pairs": 0}, "EPERM"),
    ("vnet-set", {"name": "blue", "owner": ALICE}, "EPERM"),
    ("vnet-del", {"name": "blue"}, "EPERM"),
    ("vnet-del", {"name": "red"}, "EPERM"),
    ("capture", {"if": "blue/epair0a"}, "ENOENT"),
    ("capture", {"if": "vnet0/epair0a"}, "ENOENT"),
    ("capture", {"if": "red/moved", "both": True}, "EPERM"),
    ("capture", {"if": "red/epair0a", "buffer": 1 << 30}, "EINVAL"),
    ("daemon", {}, "EPERM"),
    # What would have the daemon open something for her.
    ("attach", {"if": "red/epair0a", "spec": "pcap:read=/etc/shadow"}, "EPERM"),
    ("attach", {"if": "red/epair0a", "spec": "pcap:write=/etc/shadow"}, "EPERM"),
    ("attach", {"if": "red/epair0a", "spec": "tap"}, "EPERM"),
    ("attach", {"if": "red/epair0a", "spec": "tap:netns=1"}, "EPERM"),
    ("attach", {"if": "red/epair0a", "spec": "tap:fd=0"}, "EINVAL"),
    ("attach", {"if": "red/epair0a", "spec": "memif:path=/tmp/x"}, "EPERM"),
    ("attach", {"if": "red/epair0a", "spec": "qemu:path=/tmp/x"}, "EPERM"),
    ("set", {"if": "red/epair0a", "words": {"link": "trace /etc/shadow"}}, "EPERM"),
    ("set", {"if": "red/epair0a", "words": {"link": "delay 1ms 1ms distribution /etc/shadow"}}, "EPERM"),
    ("create", {"a": {"link": "trace /etc/shadow"}}, "EPERM"),
    ("apply", {"pairs": [{"name": "epair0", "vnet": "red", "a": {"link": "trace /etc/shadow"}}]}, "EPERM"),
    ("create", {"a": {"attach": "pcap:write=/etc/shadow"}}, "EPERM"),
    ("apply", {"pairs": [{"name": "epair5", "a": {"attach": "tap:netns=1"}}]}, "EPERM"),
]


@case
def each_attempt_on_what_is_anothers_is_refused_by_name_and_changes_nothing():
    with lab() as d, client(d, ALICE) as alice:
        before = d.json("show"), d.json("vnet", "list")
        for method, params, errno in ATTEMPTS:
            got, sentence = alice.error(method, **params)
            assert got == errno, (method, params, got, sentence)
            asked = json.dumps(params)
            for secret in SECRETS:
                assert secret in asked or secret not in sentence, (method, params, sentence)
        assert (d.json("show"), d.json("vnet", "list")) == before


@case
def what_is_anothers_is_not_shown():
    with lab() as d, client(d, ALICE) as alice:
        seen = json.dumps([alice.result("show"), alice.result("vnets"), alice.result("config")])
        for secret in SECRETS + ["vnet0"]:
            assert secret not in seen, (secret, seen)
        names = {i["name"] for i in alice.result("show")["interfaces"]}
        assert names == {"epair0a", "epair0b", "moved"}


@case
def what_is_hers_she_may_do():
    with lab() as d, client(d, ALICE) as alice:
        assert alice.result("create", a={"attach": "sink"})["made"] == ["red/epair1a"]
        alice.result("set", **{"if": "epair1a", "words": {"mtu": 1400, "up": True}})
        alice.result("set", **{"if": "moved", "words": {"mtu": 1400}})
        assert alice.error("create")[0] == "EDQUOT"
        alice.result("destroy", **{"if": "epair1b"})
        alice.result("apply", pairs=[{"name": "epair3", "mtu": 1300, "up": True}])
        assert alice.error("apply", pairs=[{"name": "epair4"}])[0] == "EDQUOT"
        assert alice.result("hello") | {"pid": 0, "version": ""} == {
            "admin": False, "uid": ALICE, "pid": 0, "version": ""}


@case
def events_of_others_are_not_told():
    with lab() as d, client(d, ALICE) as alice:
        alice.result("monitor")
        d.epair("create", "--vnet", "blue", "a.descr=secret")
        d.epair("move", "red/moved", "blue")
        d.epair("set", "red/epair0a", "up")
        events = alice.notified
        while not events or events[-1]["params"]["type"] != "flags":
            events.append(alice.line())
        kinds = [(e["params"]["type"], e["params"].get("name")) for e in events]
        assert ("flags", "epair0a") == kinds[-1] and ("move", "moved") in kinds, kinds
        assert "create" not in {kind for kind, _ in kinds}
        assert "blue" not in json.dumps(events)


@case
def descriptors_opened_by_her_own_rights_are_attached():
    with lab() as d, client(d, ALICE) as alice, tempfile.TemporaryFile() as mine:
        where = {"if": "red/epair0a"}
        answer = alice.ask("attach", fds=[mine.fileno()], spec="pcap:write=mine", **where)
        assert answer["error"]["data"]["errno"] == "EPERM", answer
        request = {"jsonrpc": "2.0", "id": 99, "method": "attach", "fds": 1,
                   "params": {**where, "spec": "pcap:write=mine", "fds": ["write"]}}
        alice.send(json.dumps(request).encode() + b"\n", [mine.fileno()])
        answer = alice.line()
        assert "result" in answer, answer
        alice.result("detach", **where)
        assert os.fstat(mine.fileno()).st_size > 0, "the section was written"
        # One of two descriptors is not enough.
        request["params"]["spec"] = "pcap:write=mine,read=/etc/shadow"
        alice.send(json.dumps(request).encode() + b"\n", [mine.fileno()])
        answer = alice.line()
        assert answer["error"]["data"]["errno"] == "EPERM", answer


@case
def one_user_cannot_take_the_connections_of_another():
    need_root()
    with Daemon("--max-clients-user", "5", "--max-streams", "2") as d:
        d.epair("vnet", "add", "red", f"owner={ALICE}")
        mine = [client(d, ALICE) for _ in range(5)]
        for c in mine:
            c.result("hello")
        turned_away = client(d, ALICE)
        assert turned_away.line() is None
        with client(d, BOB) as bob:
            bob.result("hello")
        mine[0].result("monitor")
        mine[1].result("monitor")
        assert mine[2].error("monitor")[0] == "EDQUOT"
        assert json.loads(d.epair("stats", "--daemon"))["ended"]["too-many-user"] == 1
        for c in [*mine, turned_away]:
            c.close()


@case
def the_tool_run_by_her_sees_hers():
    with lab() as d:
        out = run("--socket", d.socket, "show", status=0, user=ALICE, group=ALICE).out
        assert "epair0a" in out and "secret" not in out
        done = run("--socket", d.socket, "destroy", "vnet0/epair0a", status=1, user=BOB, group=BOB)
        assert "no vnet vnet0" in done.err
        done = run("--socket", d.socket, "create", status=1, user=65534, group=65534)
        assert "no vnet was named, and none or more than one is yours" in done.err


@case
def the_tool_opens_with_her_rights_and_hands_over():
    need_tun()
    with lab() as d:
        path = os.path.join(d.folder.name, "record")
        # A file that is hers, and one that is not.
        with open(path, "wb") as f:
            os.fchown(f.fileno(), ALICE, ALICE)
        hers = {"user": ALICE, "group": ALICE, "extra_groups": []}
        done = run("--socket", d.socket, "attach", "red/epair0a", "pcap:write=/etc/shadow",
                   status=1, **hers)
        assert "ermission denied" in done.err, done.err
        run("--socket", d.socket, "attach", "red/epair0a", f"pcap:write={path}", status=0, **hers)
        until(lambda: os.path.getsize(path) > 0, "the daemon writes her file")
        d.epair("detach", "red/epair0a")
        # A device in a namespace of her own.
        mode = os.stat("/dev/net/tun").st_mode
        os.chmod("/dev/net/tun", 0o666)
        try:
            script = (f"{EPAIR} --socket {d.socket} attach red/epair0a tap:addr=10.9.0.1/24 && "
                      "ip -br addr show epair0a")
            done = subprocess.run(["unshare", "-Urn", "sh", "-c", script], capture_output=True,
                                  check=False, text=True, **hers)
        finally:
            os.chmod("/dev/net/tun", mode & 0o777)
        assert done.returncode == 0, done.stderr
        assert "10.9.0.1/24" in done.stdout, done.stdout


main()
