#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Two namespaces on one cable: they reach each other, and all is counted.

     red                                           blue
    +---------+   TAP    +-----------------+  TAP   +---------+
    | epair0a |==========| a  cable  b     |========| epair0b |
    +---------+          +-----------------+        +---------+
    10.0.0.1/24                                     10.0.0.2/24
    fd00::1/64                                      fd00::2/64
"""
import os

import lab
from lab import Cable, Netns, check, equal

RED = "tap:netns=red,addr=10.0.0.1/24,addr=fd00::1/64"
BLUE = "tap:netns=blue,addr=10.0.0.2/24,addr=fd00::2/64"


def lossless(text):
    check(" 0% packet loss" in text, text)


def a_flood_of_pings_loses_none_and_all_are_counted():
    red, blue = Netns("red"), Netns("blue")
    cable = Cable(RED, BLUE)
    red.loses_none("10.0.0.2", 20000, "-f")
    blue.loses_none("fd00::1", 5000, "-f")
    lab.check_account(cable, ((red, "epair0a"), (blue, "epair0b")))
    a, b = cable.settle()
    check(a["opackets"] >= 25000 and b["opackets"] >= 25000, a, b)
    equal(cable.drops("a"), {})
    equal(cable.drops("b"), {})
    cable.close()


def the_device_is_the_interface():
    red, blue = Netns("red"), Netns("blue")
    cable = Cable(RED, BLUE, "-m", "4000")
    for netns, end in ((red, "a"), (blue, "b")):
        stats, link = cable.stats(end), netns.link("epair0" + end)
        equal(link["mtu"], 4000)
        equal(link["address"], stats["mac"])
        check("UP" in link["flags"] and "LOWER_UP" in link["flags"], link)
    cable.close()


def nine_thousand_octets_pass_unfragmented():
    red, blue = Netns("red"), Netns("blue")
    cable = Cable(RED, BLUE, "-m", "9000")
    red.loses_none("10.0.0.2", 3, "-i", "0.01", "-M", "do", "-s", "8972")
    blue.loses_none("fd00::1", 3, "-i", "0.01", "-M", "do", "-s", "8952")
    check(cable.stats("a")["obytes"] > 6 * 9000, cable.stats("a"))
    lab.check_account(cable, ((red, "epair0a"), (blue, "epair0b")))
    cable.close()


def an_mtu_as_large_as_a_tap_has_passes():
    red, _ = Netns("red"), Netns("blue")
    cable = Cable(RED, BLUE, "-m", "65521")
    red.loses_none("10.0.0.2", 3, "-i", "0.01", "-M", "do", "-s", "65493")
    cable.close()


def a_capture_shows_what_passes():
    red, _ = Netns("red"), Netns("blue")
    cable = Cable(RED, BLUE)
    path = f"/tmp/epair-ping-{os.getpid()}.pcapng"
    try:
        cable.ask(f"capture {path}")
        red.loses_none("10.0.0.2", 10, "-i", "0.01")
        cable.settle()
        cable.ask("capture")
        # Each is seen twice: sent by one end, received by the other.
        shown = lab.run("tcpdump", "-nr", path, "icmp")
        equal(shown.count("ICMP echo request"), 20)
        equal(shown.count("ICMP echo reply"), 20)
        bad = lab.run("tshark", "-r", path, "-o", "ip.check_checksum:TRUE", "-Y",
                      "icmp.checksum.status == 0 or ip.checksum.status == 0")
        equal(bad, "")
    finally:
        if os.path.exists(path):
            os.unlink(path)
    cable.close()


def both_ends_may_be_in_one_namespace():
    red = Netns("red")
    cable = Cable("tap:netns=red,name=left,addr=10.0.0.1/24", "tap:netns=red,name=right")
    check(red.link("left") and red.link("right"))
    cable.close()


def gateways_lead_out():
    red, blue = Netns("red"), Netns("blue")
    cable = Cable(RED + ",gw=10.0.0.2,gw=fd00::2", BLUE)
    blue.ip("addr", "add", "192.0.2.1/32", "dev", "lo")
    blue.ip("addr", "add", "2001:db8::1/128", "dev", "lo")
    red.loses_none("192.0.2.1", 2, "-i", "0.01")
    red.loses_none("2001:db8::1", 2, "-i", "0.01")
    cable.close()


def a_namespace_of_its_own_is_told_and_can_be_entered():
    Netns("red")
    cable = Cable("tap:netns=new,addr=10.0.0.2/24", RED)
    event = cable.await_event("attachment epair0a namespace is /proc/.*")
    path = event.split()[-1]
    lossless(lab.run("nsenter", f"--net={path}", "ping", "-q", "-c", "2", "-i", "0.01",
                     "10.0.0.1"))
    cable.close()


def a_tap_may_answer_to_echo():
    red = Netns("red")
    cable = Cable(RED, "echo:addr=10.0.0.9/24")
    red.loses_none("10.0.0.9", 100, "-f")
    lab.check_account(cable, ((red, "epair0a"), None))
    cable.close()


lab.main([
    a_flood_of_pings_loses_none_and_all_are_counted,
    the_device_is_the_interface,
    nine_thousand_octets_pass_unfragmented,
    an_mtu_as_large_as_a_tap_has_passes,
    a_capture_shows_what_passes,
    both_ends_may_be_in_one_namespace,
    gateways_lead_out,
    a_namespace_of_its_own_is_told_and_can_be_entered,
    a_tap_may_answer_to_echo,
], needs=("ping", "tcpdump", "tshark"))
