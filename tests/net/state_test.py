#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A daemon that is killed comes back as it was.

    red                                     blue
    +---------+   TAP   +--------+   TAP   +---------+
    | epair0a |=========| epaird |=========| epair0b |
    +---------+         +--------+         +---------+
                         state, keeper

The keeper holds the TAPs while there is no daemon, so that devices stay with
their addresses and routes; the state says what is to be made of them.
"""
import fcntl
import json
import os
import signal
import socket
import struct
import subprocess

import epaird
import lab
from epaird import FOLDER, Epaird, pair
from lab import Netns, check, equal, until

KILLS = int(os.environ.get("KILLS", "3"))


def furnish(daemon):
    """Something of everything that there is to remember."""
    pair(daemon)
    daemon.epair("vnet", "add", "lab", "tap:netns=red")
    daemon.epair("vnet", "add", "lent", "owner=12345", "max-pairs=3")
    daemon.epair("create", "epair7", "a.name=wan", "b.vnet=lab", "b.up=yes", "mtu=9000")
    daemon.epair("create")
    daemon.epair("create")
    daemon.epair("destroy", "epair1a")
    daemon.epair("create", "--vnet", "lent")
    daemon.epair("set", "wan", "descr", "to the world", "ether", "02:00:00:00:00:77", "fib", "3")
    daemon.epair("set", "wan", "qdisc",
                 "fq-codel:limit=10240,flows=1024,quantum=1514,target=5ms,interval=100ms,ecn=on")
    daemon.epair("set", "epair2a", "monitor", "on", "txqueuelen", "77")
    daemon.epair("set", "epair2b", "tso", "off", "carrier", "follow")
    daemon.epair("link", "epair0a", "delay", "1ms", "loss", "0.1%", "seed", "7")
    daemon.epair("attach", "epair2a", "echo:addr=10.9.9.9/24")


def everything_is_as_it_was_when_it_has_been_killed():
    red, blue = Netns("red"), Netns("blue")
    daemon = Epaird()
    furnish(daemon)
    red.ip("route", "add", "192.0.2.0/24", "via", "10.0.0.2")
    red.ip("addr", "add", "10.0.1.1/24", "dev", "epair0a")
    before, routes = daemon.show(), red.ip("route")
    for _ in range(2):
        daemon.kill()
        check(red.link("epair0a"), "the TAP has gone")
        equal(red.ip("route"), routes)
        daemon.start()
        equal(daemon.show(), before)
        equal(red.ip("route"), routes)
        red.reaches("10.0.0.2")
    # And what comes next is what would have come.
    equal(daemon.epair("create"), "epair1a\n")
    daemon.stop()


def connection_goes_on_through_kills():
    red, blue = Netns("red"), Netns("blue")
    daemon = Epaird()
    pair(daemon)
    server = blue.serves_iperf3()
    client = red.start("iperf3", "-J", "-c", "10.0.0.2", "-t", str(1 + 2 * KILLS),
                       stdout=subprocess.PIPE, text=True)
    until(lambda: "ESTAB" in red.run("ss", "-Hnt"), "a connection")
    before, took = daemon.show(), []
    for _ in range(KILLS):
        moved = red.link("epair0a")["stats64"]["tx"]["packets"]
        until(lambda: red.link("epair0a")["stats64"]["tx"]["packets"] > moved + 100, "traffic")
        daemon.kill()
        took.append(daemon.start())
        equal(daemon.show(), before)
    text = client.communicate(timeout=60)[0]
    equal(client.returncode, 0, text)
    equal(server.wait(), 0)
    sent = json.loads(text)["end"]["sum_received"]
    check(sent["bytes"] > 1 << 20, sent)
    print(f"# {KILLS} kills, one connection: {sent['bits_per_second'] / 1e9:.2f} Gb/s; back after",
          ", ".join(f"{t * 1e3:.0f} ms" for t in took))
    daemon.stop()


def what_is_ended_lets_go_and_is_made_again():
    red, blue = Netns("red"), Netns("blue")
    daemon = Epaird()
    pair(daemon)
    before = daemon.show()
    daemon.stop()
    equal(red.link("epair0a"), None)
    equal(epaird.keeper(), None)
    daemon.start()
    equal(daemon.show(), before)
    red.reaches("10.0.0.2")
    daemon.kill()
    lab.run(*daemon.command("--forget"))
    until(lambda: red.link("epair0a") is None, "the TAP to be gone")
    equal(epaird.keeper(), None)


def after_a_reboot_attachments_wait_for_their_namespaces():
    red, blue = Netns("red"), Netns("blue")
    daemon = Epaird()
    pair(daemon)
    daemon.epair("vnet", "add", "lab", "tap:netns=red")
    daemon.epair("create", "epair5", "b.vnet=lab", "b.up=yes")
    before = daemon.show()
    epaird.reboot(daemon, red, blue)
    daemon.start()
    check("vnet0/epair0a waits for tap:netns=red" in daemon.logged(), daemon.logged())
    # What waits is no less remembered, and what is set meanwhile is.
    daemon.epair("set", "epair0a", "descr", "patient")
    daemon.kill()
    red = Netns("red")
    daemon.start()
    until(lambda: red.link("epair0a"), "epair0a to appear in red")
    until(lambda: red.link("epair5b"), "epair5b to appear in red")
    blue = Netns("blue")
    until(lambda: blue.link("epair0b"), "epair0b to appear in blue")
    red.reaches("10.0.0.2")
    daemon.epair("set", "epair0a", "descr", "")
    equal(daemon.show(), before)
    daemon.kill()
    daemon.start()
    equal(daemon.show(), before)
    # It is its vnet's, still.
    daemon.epair("move", "epair5b", "vnet0")
    until(lambda: red.link("epair5b") is None, "epair5b to leave red")
    daemon.stop()


def namespace_that_is_another_by_now_is_not_taken_for_the_first():
    red, blue = Netns("red"), Netns("blue")
    daemon = Epaird()
    pair(daemon)
    daemon.kill()
    red.delete()
    red = Netns("red")
    daemon.start()
    check("vnet0/epair0a has lost tap:netns=red" in daemon.logged(), daemon.logged())
    equal(red.link("epair0a"), None)
    equal(daemon.show()["interfaces"][0]["attachment"], "")
    check(blue.link("epair0b"), "the other end went, too")
    daemon.stop()


def attachment_named_by_a_process_comes_back_only_by_its_descriptors():
    blue = Netns("blue")
    process = sleeper()
    daemon = Epaird()
    pair(daemon, a=f"tap:netns={process.pid},addr=10.0.0.1/24")
    before = daemon.show()
    daemon.kill()
    daemon.start()
    equal(daemon.show(), before)
    epaird.reboot(daemon)
    daemon.start()
    check("another process may have that number" in daemon.logged(), daemon.logged())
    equal(daemon.show()["interfaces"][0]["attachment"], "")
    daemon.stop()
    process.kill()
    process.wait()


def sleeper(pid=0):
    """A process with a namespace of its own, and that number."""
    while True:
        if pid != 0:
            with open("/proc/sys/kernel/ns_last_pid", "w", encoding="ascii") as last:
                last.write(str(pid - 1))
        process = subprocess.Popen(("unshare", "-n", "sleep", "1000"))
        if pid in (0, process.pid):
            break
        process.kill()
        process.wait()
    until(lambda: os.readlink(f"/proc/{process.pid}/ns/net") != os.readlink("/proc/self/ns/net"),
          "a namespace")
    return process


def vnet_named_by_a_process_is_not_that_of_who_has_its_number_next():
    daemon = Epaird()
    for vnet, before, after, way in (("one", "epair0", "epair1", "{}"),
                                     ("two", "epair2", "epair3", "/proc/{}/ns/net")):
        def attachment(name=before + "b"):
            return json.loads(daemon.epair("-j", "show", name))[0]["attachment"]

        first = sleeper()
        daemon.epair("vnet", "add", vnet, "tap:netns=" + way.format(first.pid))
        daemon.epair("create", before, f"b.vnet={vnet}")
        daemon.kill()
        daemon.start()
        check(attachment(), "it is not attached")
        first.kill()
        first.wait()
        until(lambda: attachment() == "", "the end of its namespace")
        second = sleeper(first.pid)
        daemon.epair("create", after)
        answer = daemon.refused("move", after + "b", vnet)
        check("the process that its vnet's netns= names has ended" in answer, answer)
        links = lab.run("nsenter", f"--net=/proc/{second.pid}/ns/net", "ip", "-j", "link")
        equal([link["ifname"] for link in json.loads(links)], ["lo"])
        second.kill()
        second.wait()
    daemon.stop()


def device_of_a_vnet_that_is_in_use_is_refused_to_a_second():
    daemon = Epaird()
    in_use = "the TAP only in this namespace is in use by another program"
    daemon.epair("vnet", "add", "one", "tap:name=only")
    daemon.epair("create", "epair0", "b.vnet=one")
    daemon.epair("create", "epair1")
    answer = daemon.refused("move", "epair1b", "one")
    check(in_use in answer, answer)
    answer = daemon.refused("create", "--vnet", "one", "epair2")
    check(in_use in answer, answer)
    check("epair2" not in json.dumps(daemon.show()), daemon.show())
    daemon.stop()


def hand_over(daemon, ifname, name):
    """Make a TAP, and have the daemon attach it by its descriptor, as the tool does for a user."""
    tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    flags = 0x0002 | 0x1000 | 0x4000  # IFF_TAP, IFF_NO_PI, IFF_VNET_HDR
    fcntl.ioctl(tap, 0x400454CA, struct.pack("16sH22x", name.encode(), flags))  # TUNSETIFF
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(daemon.socket)
        request = {"jsonrpc": "2.0", "id": 1, "method": "attach", "fds": 1,
                   "params": {"if": ifname, "spec": "tap", "fds": ["queue"]}}
        socket.send_fds(sock, [json.dumps(request).encode() + b"\n"], [tap])
        answer = json.loads(sock.makefile().readline())
    os.close(tap)
    check("result" in answer, answer)


def what_was_handed_over_comes_back_by_its_descriptor_or_is_gone_with_an_event():
    daemon = Epaird()
    daemon.epair("create", "epair0", "up=yes")
    hand_over(daemon, "epair0a", "mine")
    before = daemon.show()
    equal(before["interfaces"][0]["attachment"], "tap")
    daemon.kill()
    daemon.start()
    equal(daemon.show(), before)
    epaird.reboot(daemon)
    daemon.start()
    monitor = daemon.monitor()
    line = next(line for line in monitor.stdout if "attachment" in line)
    check("it was handed over" in line, line)
    monitor.terminate()
    monitor.wait()
    check("vnet0/epair0a has lost tap: it was handed over" in daemon.logged(), daemon.logged())
    for _ in range(2):
        equal(daemon.show()["interfaces"][0]["attachment"], "")
        daemon.kill()
        daemon.start()
    daemon.stop()


def what_changes_by_itself_is_remembered():
    red, blue = Netns("red"), Netns("blue")
    daemon = Epaird()
    pair(daemon)
    red.ip("link", "set", "epair0a", "mtu", "1400")
    until(lambda: daemon.show()["interfaces"][0]["mtu"] == 1400, "the MTU to be followed")
    daemon.kill()
    daemon.start()
    equal(daemon.show()["interfaces"][0]["mtu"], 1400)
    equal(red.link("epair0a")["mtu"], 1400)
    blue.delete()
    until(lambda: not daemon.show()["interfaces"][1]["attachment"], "epair0b to be detached")
    daemon.kill()
    daemon.start()
    equal(daemon.show()["interfaces"][1]["attachment"], "")
    equal(daemon.logged(), "")
    daemon.stop()


def full_disk_refuses_changes_and_changes_nothing():
    red, blue = Netns("red"), Netns("blue")
    os.makedirs(f"{FOLDER}/state", mode=0o700)
    lab.run("mount", "-t", "tmpfs", "-o", "size=256k,mode=700", "none", f"{FOLDER}/state")
    daemon = Epaird()
    pair(daemon)
    with open(f"{FOLDER}/state/ballast", "wb", buffering=0) as ballast:
        try:
            while True:
                ballast.write(b"x" * 4096)
        except OSError:
            pass
    # What was reserved for the changes before is still there.
    until(lambda: daemon.tool("create", fails=True).returncode, "the disk to be full")
    before = daemon.show()
    for words in (("create",), ("destroy", "epair0a"), ("detach", "epair0a"),
                  ("set", "epair0b", "mtu", "9000"), ("vnet", "add", "lab")):
        said = daemon.refused(*words)
        check("cannot write the state" in said and "No space left" in said, said)
        equal(daemon.show(), before)
    red.reaches("10.0.0.2")
    os.unlink(f"{FOLDER}/state/ballast")
    daemon.epair("set", "epair0b", "mtu", "9000")
    after = daemon.show()
    daemon.kill()
    daemon.start()
    equal(daemon.show(), after)
    daemon.stop()


def state_of_another_daemon_is_refused():
    daemon = Epaird()
    done = subprocess.run(daemon.command(), capture_output=True, text=True)
    equal(done.returncode, 1)
    check(f"in use by process {daemon.process.pid}" in done.stderr, done.stderr)
    daemon.stop()


def killed_keeper_takes_no_daemon_with_it():
    red, blue = Netns("red"), Netns("blue")
    daemon = Epaird()
    pair(daemon)
    os.kill(epaird.keeper(), signal.SIGKILL)
    red.reaches("10.0.0.2")
    until(epaird.keeper, "another keeper")
    until(lambda: len(os.listdir(f"/proc/{epaird.keeper()}/fd")) >= 8, "it to hold both TAPs")
    before = daemon.show()
    red.ip("route", "add", "192.0.2.0/24", "via", "10.0.0.2")
    daemon.kill()
    daemon.start()
    check("192.0.2.0" in red.ip("route"), "the TAP is another")
    equal(daemon.show(), before)
    daemon.stop()


def openers(parent):
    """The opener of a process, and its child that serves."""
    with open(f"/proc/{parent}/task/{parent}/children") as children:
        pids = [int(pid) for pid in children.read().split()]
    pids = [pid for pid in pids if open(f"/proc/{pid}/comm").read().strip() == "epair-opener"]
    return pids + [below for pid in pids for below in openers(pid)]


def what_was_answered_is_so_inside():
    red, blue = Netns("red"), Netns("blue")
    daemon = Epaird()
    pair(daemon)
    daemon.epair("set", "epair0a", "down", "carrier", "follow")
    red.ip("link", "set", "epair0a", "down")
    # The opener is slow: who changes waits, who looks does not.
    for pid in openers(daemon.process.pid):
        os.kill(pid, signal.SIGSTOP)
    change = subprocess.Popen((os.environ["EPAIR"], "--socket", daemon.socket,
                               "set", "epair0a", "mtu", "9000", "up"))
    until(lambda: "9000" in daemon.epair("show", "epair0a"), "the MTU")
    equal(change.poll(), None)
    for pid in openers(daemon.process.pid):
        os.kill(pid, signal.SIGCONT)
    equal(change.wait(timeout=lab.SECONDS), 0)
    device = red.link("epair0a")
    equal((device["mtu"], "UP" in device["flags"]), (9000, True))
    check("NO-CARRIER" not in blue.link("epair0b")["flags"], "the other end's link")
    daemon.stop()


epaird.main((
    everything_is_as_it_was_when_it_has_been_killed,
    connection_goes_on_through_kills,
    what_is_ended_lets_go_and_is_made_again,
    after_a_reboot_attachments_wait_for_their_namespaces,
    namespace_that_is_another_by_now_is_not_taken_for_the_first,
    attachment_named_by_a_process_comes_back_only_by_its_descriptors,
    vnet_named_by_a_process_is_not_that_of_who_has_its_number_next,
    device_of_a_vnet_that_is_in_use_is_refused_to_a_second,
    what_was_handed_over_comes_back_by_its_descriptor_or_is_gone_with_an_event,
    what_changes_by_itself_is_remembered,
    full_disk_refuses_changes_and_changes_nothing,
    state_of_another_daemon_is_refused,
    killed_keeper_takes_no_daemon_with_it,
    what_was_answered_is_so_inside,
))
