#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What is changed on one side of the TAP is seen on the other.

     red                                           blue
    +---------+   TAP    +-----------------+  TAP   +---------+
    | epair0a |==========| a  cable  b     |========| epair0b |
    +---------+          +-----------------+        +---------+
      ip link set ...      epair_if_set()
"""
import lab
from lab import Cable, Netns, check, equal, until

RED = "tap:netns=red,addr=10.0.0.1/24,gw=10.0.0.2"
BLUE = "tap:netns=blue,addr=10.0.0.2/24"


def lab_with(*options, a=RED):
    red, blue = Netns("red"), Netns("blue")
    return red, blue, Cable(a, BLUE, *options)


def set_inside(netns, *words):
    netns.ip("link", "set", "dev", "epair0a", *words)


def an_mtu_set_outside_reaches_the_device():
    red, _, cable = lab_with()
    cable.ask("set a mtu 9000")
    until(lambda: red.link("epair0a")["mtu"] == 9000, "the device's MTU")
    equal(cable.stats("b")["mtu"], 1500)
    cable.close()


def an_mtu_set_inside_is_followed():
    red, _, cable = lab_with()
    for mtu in (1400, 9000, 1500):
        set_inside(red, "mtu", str(mtu))
        cable.await_stat("a", mtu=mtu)
    cable.close()


def an_mtu_that_no_interface_has_is_set_back():
    red, _, cable = lab_with()
    set_inside(red, "mtu", "68")
    cable.await_event(r"attachment epair0a MTU 68 of epair0a set back: .*")
    until(lambda: red.link("epair0a")["mtu"] == 1500, "the MTU to be set back")
    equal(cable.stats("a")["mtu"], 1500)
    cable.close()


@lab.of_taps
def an_mtu_that_no_tap_has_is_told():
    red, _, cable = lab_with()
    cable.ask("set a mtu 65535")
    cable.await_event(r"attachment epair0a epair0a cannot have an MTU of 65535.*")
    equal(cable.stats("a")["mtu"], 65535)
    equal(red.link("epair0a")["mtu"], 1500)
    cable.ask("set a mtu 2000")
    until(lambda: red.link("epair0a")["mtu"] == 2000, "the device's MTU")
    cable.close()


def changes_from_both_sides_come_to_one_end():
    red, _, cable = lab_with()
    for i in range(50):
        cable.ask(f"set a mtu {2000 + i}")
        set_inside(red, "mtu", str(3000 + i))
    until(lambda: red.link("epair0a")["mtu"] == cable.stats("a")["mtu"], "one MTU")
    # And it stays so: no echo is on its way.
    mtu = cable.stats("a")["mtu"]
    set_inside(red, "txqueuelen", "1001")
    until(lambda: red.link("epair0a")["txqlen"] == 1001, "a message behind all others")
    equal(cable.stats("a")["mtu"], mtu)
    equal(red.link("epair0a")["mtu"], mtu)
    cable.close()


def a_mac_goes_both_ways():
    red, _, cable = lab_with()
    cable.ask("set a ether 02:00:00:00:00:01")
    until(lambda: red.link("epair0a")["address"] == "02:00:00:00:00:01", "the device's MAC")
    set_inside(red, "address", "02:00:00:00:00:02")
    cable.await_stat("a", mac="02:00:00:00:00:02")
    cable.close()


def a_mac_that_the_other_end_has_is_set_back():
    red, blue, cable = lab_with()
    mine, other = red.link("epair0a")["address"], blue.link("epair0b")["address"]
    set_inside(red, "address", other)
    cable.await_event(f"attachment epair0a {other} of epair0a set back: .*")
    until(lambda: red.link("epair0a")["address"] == mine, "the MAC to be set back")
    cable.close()


def a_device_that_is_down_does_not_listen():
    red, blue, cable = lab_with()
    set_inside(red, "down")
    cable.await_event("attachment epair0a device epair0a is down")
    blue.ping("10.0.0.1", "-c", "3", "-i", "0.01", "-W", "1", fails=True)
    cable.settle()
    check(cable.drops("a").get("rx-stack-down", 0) > 0, cable.drops("a"))
    set_inside(red, "up")
    cable.await_event("attachment epair0a device epair0a is up")
    blue.reaches("10.0.0.1")
    cable.close()


def an_interface_that_is_down_has_no_carrier_and_keeps_its_routes():
    red, _, cable = lab_with()
    cable.ask("set a down")
    until(lambda: "NO-CARRIER" in red.link("epair0a")["flags"], "carrier to go")
    check("default via 10.0.0.2" in red.ip("route"), red.ip("route"))
    # What is sent meanwhile has no right to arrive, and is no loss of the ring.
    red.ping("10.0.0.2", "-c", "2", "-i", "0.01", "-W", "1", fails=True)
    cable.ask("set a up")
    until(lambda: red.link("epair0a")["operstate"] != "DOWN", "carrier to come")
    red.reaches("10.0.0.2")
    equal(cable.drops("a").get("tap-ring", 0), 0)
    cable.close()


def an_interface_that_comes_up_later_brings_the_device_up():
    red, _, cable = lab_with("-d")
    check("UP" not in red.link("epair0a")["flags"], red.link("epair0a"))
    equal(red.ip("route"), "")
    cable.ask("set a up")
    cable.ask("set b up")
    until(lambda: "UP" in red.link("epair0a")["flags"], "the device to come up")
    until(lambda: "default via 10.0.0.2" in red.ip("route"), "its gateway")
    red.reaches("10.0.0.2")
    cable.close()


def the_link_follows_the_other_end_when_asked():
    red, _, cable = lab_with()
    cable.ask("set a carrier follow")
    cable.ask("set b down")
    until(lambda: "NO-CARRIER" in red.link("epair0a")["flags"], "carrier to go")
    cable.ask("set b up")
    until(lambda: "LOWER_UP" in red.link("epair0a")["flags"], "carrier to come")
    cable.close()


def a_rename_reaches_a_device_that_has_no_name_of_its_own():
    red, _, cable = lab_with()
    cable.ask("set a name wan0")
    until(lambda: red.link("wan0"), "the device's name")
    cable.close()


def a_device_with_a_name_of_its_own_keeps_it():
    red, _, cable = lab_with(a=RED + ",name=eth0")
    cable.ask("set a name wan0")
    cable.ask("set a mtu 1400")
    until(lambda: red.link("eth0")["mtu"] == 1400, "a change behind the rename")
    cable.close()


def a_device_that_moves_away_still_carries_frames():
    red, blue, cable = lab_with()
    away = Netns("away")
    set_inside(red, "netns", "away")
    cable.await_event("attachment epair0a device epair0a left its namespace")
    away.ip("addr", "add", "10.0.0.1/24", "dev", "epair0a")
    away.ip("link", "set", "epair0a", "up")
    blue.reaches("10.0.0.1")
    away.ip("link", "set", "epair0a", "mtu", "1400")
    equal(cable.stats("a")["mtu"], 1500)
    cable.close()


lab.main([
    an_mtu_set_outside_reaches_the_device,
    an_mtu_set_inside_is_followed,
    an_mtu_that_no_interface_has_is_set_back,
    an_mtu_that_no_tap_has_is_told,
    changes_from_both_sides_come_to_one_end,
    a_mac_goes_both_ways,
    a_mac_that_the_other_end_has_is_set_back,
    a_device_that_is_down_does_not_listen,
    an_interface_that_is_down_has_no_carrier_and_keeps_its_routes,
    an_interface_that_comes_up_later_brings_the_device_up,
    the_link_follows_the_other_end_when_asked,
    a_rename_reaches_a_device_that_has_no_name_of_its_own,
    a_device_with_a_name_of_its_own_keeps_it,
    a_device_that_moves_away_still_carries_frames,
], needs=("ping",))
