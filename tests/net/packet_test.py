#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A device by packet sockets: what it takes and gives, and how it is followed.

     red               red          lab                    blue
    +-----+   veth   +-----+      +-----------------+ TAP +---------+
    | eth |==========| port|------| a  cable  b     |=====| epair0b |
    +-----+          +-----+packet+-----------------+     +---------+
    10.0.0.1                                              10.0.0.2

`port` stays in the namespace `lab`, where it has no address: what arrives there
is the cable's alone.
"""
import json
import os
import re
import signal
import tempfile

import lab
from lab import Cable, Netns, check, equal, until

BLUE = "tap:netns=blue,addr=10.0.0.2/24"


class Line:
    """The two namespaces and what lies between."""

    def __init__(self, spec="packet:dev=port,netns=lab", b=BLUE, options=()):
        self.red, self.lab, self.blue = (Netns(name) for name in ("red", "lab", "blue"))
        self.red.ip("link", "add", "eth", "type", "veth", "peer", "name", "port", "netns", "lab")
        self.red.ip("addr", "add", "10.0.0.1/24", "dev", "eth")
        for netns, dev in ((self.red, "eth"), (self.lab, "port")):
            netns.ip("link", "set", dev, "up")
        self.cable = Cable(spec, b, *options)

    def port(self, *words):
        self.lab.ip("link", "set", "port", *words)

    def wrong_sums(self):
        """Checksums that either stack found wrong, of TCP, UDP and IP."""
        return {name: [int(n) for n in re.findall(r"(?:InCsumErrors|IpInHdrErrors)\S*\s+(\d+)",
                                                  netns.run("nstat", "-asz"))]
                for name, netns in (("red", self.red), ("blue", self.blue))}

    def close(self):
        for name, wrong in self.wrong_sums().items():
            check(wrong and not any(wrong), name, "found checksums wrong:", wrong)
        self.cable.close()


def moves(line, *words):
    """iperf3, a second of it; what it says at its end."""
    server = line.blue.serves_iperf3()
    text = line.red.run("iperf3", "-J", "-c", "10.0.0.2", "-t", "1", *words)
    server.wait()
    return json.loads(text)["end"]


def frames_pass_both_ways():
    line = Line()
    line.red.reaches("10.0.0.2")
    line.blue.reaches("10.0.0.1")
    line.blue.ping("10.0.0.1", "-c", "200", "-i", "0.002", "-s", "1400")
    a, b = line.cable.settle()
    for stats in a, b:
        equal(stats["oerrors"], 0)
    equal(a["opackets"], b["ipackets"])
    line.close()


def segments_pass_whole_both_ways():
    """TCP, in frames of more than the MTU on the cable, and none wrong."""
    line = Line()
    for words in ((), ("-R",)):
        end = moves(line, *words)
        check(end["sum_received"]["bytes"] > 1 << 20, end["sum_received"])
    a, b = line.cable.settle()
    for one in a, b:
        check(one["obytes"] > 3000 * one["opackets"], "segments were cut:", one)
    line.close()


def frames_are_finished_where_they_may_not_be_left_open():
    line = Line("packet:dev=port,netns=lab,offload=off")
    for words in ((), ("-R",)):
        end = moves(line, *words)
        check(end["sum_received"]["bytes"] > 1 << 20, end["sum_received"])
    line.close()


SEND = """
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind((sys.argv[1], 0))
for i in range(5):
    s.send(bytes.fromhex("ffffffffffff0200000000ee8100e12388b5") + bytes(50) + bytes([i]))
"""


def tags(path, name):
    return lab.run("tshark", "-r", path, "-Y",
                   f"eth.src==02:00:00:00:00:ee && frame.interface_name contains {name}",
                   "-T", "fields", "-e", "vlan.id", "-e", "vlan.priority").splitlines()


def vlan_tags_are_kept():
    """The kernel takes a tag out of what it receives; it is put in again."""
    line = Line()
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        path = folder + "/pcapng"
        line.cable.ask("capture " + path)
        line.red.run("python3", "-c", SEND, "eth")
        line.cable.await_stat("b", ipackets=5)
        line.blue.run("python3", "-c", SEND, "epair0b")
        line.cable.await_stat("a", ipackets=5)
        line.cable.ask("capture")
        for name in "epair0a", "epair0b":
            # Sent there and received there.
            equal(tags(path, name), ["291\t7"] * 10, name)
    # The kernel's own stack on the other side has them as tags, too.
    counted = line.red.link("eth")["stats64"]["rx"]["packets"]
    check(counted >= 5, counted)
    line.close()


def a_device_is_followed():
    line = Line()
    line.cable.ask("set a carrier follow")
    blue = lambda word: lambda: word in line.blue.link("epair0b")["flags"]
    until(blue("LOWER_UP"), "carrier to begin with")
    for go, come, says in ((("down",), ("up",), "down"), (None, None, "without carrier")):
        if go is None:
            line.red.ip("link", "set", "eth", "down")
        else:
            line.port(*go)
        line.cable.await_event(f"attachment epair0a device port is {says}")
        until(blue("NO-CARRIER"), "carrier to go")
        if come is None:
            line.red.ip("link", "set", "eth", "up")
        else:
            line.port(*come)
        line.cable.await_event("attachment epair0a device port is up")
        until(blue("LOWER_UP"), "carrier to come")
        line.red.reaches("10.0.0.2")
        line.cable.events.clear()
    line.port("down")
    line.port("name", "door")
    line.cable.await_event("attachment epair0a device port is called door now")
    line.lab.ip("link", "set", "door", "up")
    line.red.reaches("10.0.0.2")
    line.red.ip("link", "del", "eth")
    line.cable.await_event("detach epair0a device door was deleted")
    line.cable.close()


def a_namespace_that_is_deleted_is_missed():
    line = Line()
    line.lab.delete()
    line.cable.await_event("detach epair0a namespace lab was deleted")
    line.cable.close()


def several_queues_lose_and_double_nothing():
    line = Line("packet:dev=port,netns=lab,queues=3", options=("-q", "3", "-w", "2"))
    before = line.red.link("eth")["stats64"]["tx"]["packets"]
    for words in (("-P", "8"), ("-P", "8", "-R")):
        end = moves(line, *words)
        check(end["sum_received"]["bytes"] > 1 << 20, end["sum_received"])
    a, _ = line.cable.settle()
    sent = line.red.link("eth")["stats64"]["tx"]["packets"] - before
    equal(a["opackets"] + a.get("drop-packet-ring", 0), sent, "frames of the device")
    line.close()


MIXED = """
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind((sys.argv[1], 0))
for i in range(int(sys.argv[2])):
    long = bytes(1300 if i % 7 in (1, 2, 5) else 40)
    s.send(bytes.fromhex("ffffffffffff0200000000ee88b5") + i.to_bytes(4, "big") + long)
"""


def short_and_long_frames_keep_their_order():
    """Short ones come by the ring, long ones are received."""
    line = Line()
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        path = folder + "/pcapng"
        line.cable.ask("capture " + path)
        line.cable.process.send_signal(signal.SIGSTOP)
        line.red.run("python3", "-c", MIXED, "eth", "2000")
        line.cable.process.send_signal(signal.SIGCONT)
        line.red.run("python3", "-c", MIXED, "eth", "2000")
        line.cable.await_stat("b", ipackets=4000)
        line.cable.ask("capture")
        came = lab.run("tshark", "-r", path, "-Y",
                       "eth.src==02:00:00:00:00:ee && frame.interface_name contains epair0b",
                       "-T", "fields", "-e", "data.data", "-e", "frame.len").splitlines()
    equal([(int(data[:8], 16), int(size)) for data, size in map(str.split, came)],
          2 * [(i, 18 + (1300 if i % 7 in (1, 2, 5) else 40)) for i in range(2000)])
    line.close()


LONG = SEND.replace("range(5)", "range(3000)").replace("bytes(50) + bytes([i])", "bytes(8900)")


def long_frames_that_are_not_read_are_counted():
    """They fill the socket's queue, and not the ring."""
    line = Line("-", "sink")
    line.red.ip("link", "set", "eth", "mtu", "9000")
    line.port("mtu", "9000")
    line.cable.ask("set a mtu 9000")
    line.cable.ask("attach a packet:dev=port,netns=lab")
    before = line.red.link("eth")["stats64"]["tx"]["packets"]
    line.cable.process.send_signal(signal.SIGSTOP)
    line.red.run("python3", "-c", LONG, "eth")
    line.cable.process.send_signal(signal.SIGCONT)
    a, _ = line.cable.settle()
    sent = line.red.link("eth")["stats64"]["tx"]["packets"] - before
    check(a.get("drop-packet-ring", 0) > 0, a)
    check(a["opackets"] > 500, a)
    equal(a["opackets"] + a["drop-packet-ring"], sent, "frames of the device")
    line.close()


def what_is_not_read_is_counted():
    line = Line("-", "sink")
    line.cable.ask("attach a packet:dev=port,netns=lab")
    before = line.red.link("eth")["stats64"]["tx"]["packets"]
    line.cable.process.send_signal(signal.SIGSTOP)
    line.red.run("python3", "-c", SEND.replace("range(5)", "range(30000)").replace(
        "bytes([i])", "bytes([i % 256])"), "eth")
    line.cable.process.send_signal(signal.SIGCONT)
    a, _ = line.cable.settle()
    sent = line.red.link("eth")["stats64"]["tx"]["packets"] - before
    check(a.get("drop-packet-ring", 0) > 0, a)
    equal(a["opackets"] + a["drop-packet-ring"], sent, "frames of the device")
    line.close()


def a_bridge_in_a_namespace_joins_many_cables():
    """A port of it is a TAP, or a device that is there."""
    hub = Netns("hub")
    hub.ip("link", "add", "br0", "type", "bridge")
    hub.ip("link", "set", "br0", "up")
    hosts, cables = [], []
    for n in range(1, 5):
        hosts.append(Netns(f"host{n}"))
        port = f"tap:netns=hub,name=port{n}"
        if n == 4:
            hub.ip("link", "add", "inner", "type", "veth", "peer", "name", "port4")
            hub.ip("link", "set", "inner", "up")
            hub.ip("link", "set", "port4", "up")
            port = "packet:dev=inner,netns=hub"
        cables.append(Cable(f"tap:netns=host{n},addr=10.4.0.{n}/24", port))
        hub.ip("link", "set", f"port{n}", "master", "br0")
    for n, host in enumerate(hosts, 1):
        for other in range(n + 1, 5):
            host.reaches(f"10.4.0.{other}")
    for cable in cables:
        cable.close()


def what_cannot_be_is_refused_with_why():
    line = Line("-", "-")
    for spec, why in (("packet:dev=none,netns=lab", "ENODEV there is no none in namespace lab"),
                      ("packet:dev=port,netns=new", "EINVAL netns=new has no devices"),
                      ("packet:netns=lab", "EINVAL .*dev"),
                      ("packet:dev=port,netns=gone", "ENOENT no network namespace named gone")):
        try:
            line.cable.ask("attach a " + spec)
        except lab.Failure as failure:
            check(re.match("error " + why, str(failure)), spec, failure)
        else:
            raise lab.Failure(spec + " was taken")
    line.cable.close()


lab.main([
    frames_pass_both_ways,
    segments_pass_whole_both_ways,
    frames_are_finished_where_they_may_not_be_left_open,
    vlan_tags_are_kept,
    a_device_is_followed,
    a_namespace_that_is_deleted_is_missed,
    several_queues_lose_and_double_nothing,
    what_is_not_read_is_counted,
    short_and_long_frames_keep_their_order,
    long_frames_that_are_not_read_are_counted,
    a_bridge_in_a_namespace_joins_many_cables,
    what_cannot_be_is_refused_with_why,
], needs=("ping", "iperf3", "ss", "nstat", "tshark"))
