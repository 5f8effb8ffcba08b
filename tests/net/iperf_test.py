#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Transfers at full speed: every frame arrives or is counted once.

    red  iperf3 -c                                iperf3 -s  blue
    +---------+   TAP    +-----------------+  TAP   +---------+
    | epair0a |==========| a  cable  b     |========| epair0b |
    +---------+          +-----------------+        +---------+

The kernel's own counters are the witness: what a device sent is what its end
sent, refused, or lost in the TAP's ring; what an end delivered is what the
device received.
"""
import json
import sys
import time

import lab
from lab import Cable, Netns, check, equal

# How octets get to the device does not hang on what they say: with another way
# there, one family is enough.
ADDRS = {"6": "fd00::2"} if "io=syscall" in sys.argv else {"4": "10.0.0.2", "6": "fd00::2"}


class Server:
    def __init__(self, netns):
        self.process = netns.start("iperf3", "-s", stdout=-3, stderr=-3)
        lab.until(lambda: ":5201" in netns.run("ss", "-Hlnt"), "iperf3 to listen")

    def stop(self):
        self.process.terminate()
        self.process.wait()


def transfer(red, address, *options):
    text = red.run("iperf3", "-J", "-c", address, "-t", "1", *options, timeout=60)
    end = json.loads(text)["end"]
    return {k: v["bits_per_second"] / 1e9 for k, v in end.items()
            if k.startswith("sum") and isinstance(v, dict) and "bits_per_second" in v}


def lab_with(mtu, *options, a="", b=""):
    red, blue = Netns("red"), Netns("blue")
    cable = Cable("tap:netns=red,addr=10.0.0.1/24,addr=fd00::1/64" + a,
                  "tap:netns=blue,addr=10.0.0.2/24,addr=fd00::2/64" + b, "-m", mtu, *options)
    return red, blue, cable, Server(blue)


def end(red, blue, cable, server, cut=()):
    server.stop()
    lab.check_account(cable, ((red, "epair0a"), (blue, "epair0b")), cut)
    cable.close()


def tcp_both_ways(mtu, *options, **more):
    world = lab_with(mtu, *options, **more)
    for version, address in ADDRS.items():
        rates = transfer(world[0], address, "--bidir")
        check(all(rate > 0 for rate in rates.values()), rates)
        print(f"# MTU {mtu} IPv{version} TCP both ways:", ", ".join(
            f"{rates[k]:.1f} Gb/s" for k in ("sum_received", "sum_received_bidir_reverse")))
        # TCP notices nothing: no frame of it may be lost for want of room.
        equal(world[2].drops("a"), {})
        equal(world[2].drops("b"), {})
    end(*world)


def udp_both_ways(mtu, *options, **more):
    world = lab_with(mtu, *options, **more)
    for address in ADDRS.values():
        transfer(world[0], address, "--bidir", "-u", "-b", "0")
        transfer(world[0], address, "-u", "-b", "0", "-l", "64")
    end(*world)


def tcp_both_ways_at_mtu_1500():
    tcp_both_ways("1500")


@lab.of_taps
def tcp_both_ways_at_mtu_9000():
    tcp_both_ways("9000")


def a_flood_of_udp_at_mtu_1500_is_accounted_for():
    udp_both_ways("1500")


@lab.of_taps
def a_flood_of_udp_at_mtu_9000_is_accounted_for():
    udp_both_ways("9000")


def without_offload_at_one_end_it_is_finished_in_software():
    for dev, options in (("epair0a", {"a": ",offload=off"}), ("epair0b", {"b": ",offload=off"})):
        world = lab_with("1500", **options)
        features = world[dev == "epair0b"].run("ethtool", "-k", dev)
        check("tx-tcp-segmentation: off" in features or Cable.kind == "veth", features)
        for address in ADDRS.values():
            transfer(world[0], address, "--bidir")
            transfer(world[0], address, "--bidir", "-u", "-b", "200M")
        for netns in world[:2]:
            text = netns.run("nstat", "-asz", "TcpInCsumErrors", "UdpInCsumErrors")
            check(all(line.split()[1] == "0" for line in text.splitlines()[1:]), text)
        end(*world, cut=(dev,))
        lab.nothing_is_left()


@lab.of_taps
def offloads_are_switched_at_the_pair():
    red, blue, cable, server = lab_with("1500")
    for word, state in (("tso", "off"), ("tso", "on")):
        cable.ask(f"set a {word} {state}")
        lab.until(lambda state=state: f"tx-tcp-segmentation: {state}" in red.run(
            "ethtool", "-k", "epair0a"), f"{word} {state} at the device")
        transfer(red, "10.0.0.2")
    end(red, blue, cable, server)


def queues_share_the_flows():
    red, blue, cable, server = lab_with("1500", "-q", "2", "-w", "2")
    if Cable.kind == "tap":
        equal(len(red.run("ls", "/sys/class/net/epair0a/queues").split()), 4)
    rates = transfer(red, "10.0.0.2", "-P", "8", "--bidir")
    print("# two queues, 16 flows:", ", ".join(
        f"{rates[k]:.1f} Gb/s" for k in ("sum_received", "sum_received_bidir_reverse")))
    transfer(red, "10.0.0.2", "-P", "4", "-u", "-b", "0")
    end(red, blue, cable, server)


def what_finds_no_mbuf_is_counted():
    """And a lack of large ones does not keep small frames from passing."""
    for options in (("-L", "1"), ("-M", "64")):
        red, blue, cable, server = lab_with("9000", *options)
        for size in ("8000", "64"):
            transfer(red, "10.0.0.2", "-u", "-b", "0", "-l", size)
        red.reaches("10.0.0.2")
        end(red, blue, cable, server)
        lab.nothing_is_left()


def a_configuration_that_changes_under_load_loses_no_count():
    red, blue, cable, server = lab_with("1500")
    client = red.start("iperf3", "-c", "10.0.0.2", "-t", "3", "-u", "-b", "0", stdout=-3, stderr=-3)
    stop = time.monotonic() + 2
    while time.monotonic() < stop:
        cable.ask("set a mtu 1400")
        blue.ip("link", "set", "epair0b", "down")
        cable.ask("set b tso off")
        blue.ip("link", "set", "epair0b", "up")
        cable.ask("set a mtu 1500")
        cable.ask("set b tso on")
    client.terminate()
    client.wait()
    server.stop()
    a, b = cable.settle()
    equal(a["opackets"], b["ipackets"])
    equal(b["ipackets"], lab.received(b))
    cable.close()


lab.main([
    tcp_both_ways_at_mtu_1500,
    tcp_both_ways_at_mtu_9000,
    a_flood_of_udp_at_mtu_1500_is_accounted_for,
    a_flood_of_udp_at_mtu_9000_is_accounted_for,
    without_offload_at_one_end_it_is_finished_in_software,
    offloads_are_switched_at_the_pair,
    queues_share_the_flows,
    what_finds_no_mbuf_is_counted,
    a_configuration_that_changes_under_load_loses_no_count,
], needs=("iperf3", "ethtool", "ss", "nstat"))
