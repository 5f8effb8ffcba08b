#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Without a single right: as a user whom nobody gave anything.

     user namespace, red                           user namespace, blue
    +---------+   TAP    +-----------------+  TAP   +---------+
    | epair0a |==========| a  cable  b     |========| epair0b |
    +---------+          +-----------------+        +---------+
                          uid 65534, no capability

What such a user has made, it may enter. /dev/net/tun is open to all, as on
most machines. What it may not, it is told why.
"""
import fcntl
import os
import struct
import subprocess

import lab
from lab import Cable, Failure, Netns, check, equal, until

AS_USER = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--no-new-privs")
TUNSETIFF, TUNSETPERSIST = 0x400454CA, 0x400454CB
IFF_TAP, IFF_NO_PI, IFF_VNET_HDR = 0x0002, 0x1000, 0x4000


def user_cable(a, b, *options):
    return Cable(a, b, *options, prefix=AS_USER)


def fails(spec, why):
    try:
        user_cable(spec, "-").close()
    except Failure as error:
        check(why in str(error), spec, "->", error)
        return
    raise Failure(f"{spec} was attached")


class Keeper:
    """A process of the user's in namespaces of its own."""

    def __init__(self):
        self.process = subprocess.Popen((*AS_USER, "unshare", "-Urn", "sleep", "1000"))
        self.pid = self.process.pid
        until(lambda: open(f"/proc/{self.pid}/comm").read() == "sleep\n", "a namespace")

    def run(self, *words, **more):
        return lab.run(*AS_USER, "nsenter", "-U", "-n", "--preserve-credentials", "-t",
                       str(self.pid), *words, **more)

    def end(self):
        self.process.kill()
        self.process.wait()


def the_user_s_own_namespaces_are_joined():
    red, blue = Keeper(), Keeper()
    cable = user_cable(f"tap:netns={red.pid},addr=10.0.0.1/24,addr=fd00::1/64",
                       f"tap:netns={blue.pid},addr=10.0.0.2/24,addr=fd00::2/64")
    for words in (("10.0.0.2",), ("fd00::2",)):
        text = red.run("ping", "-q", "-c", "200", "-i", "0.002", *words)
        check(" 0% packet loss" in text, text)
    status = open(f"/proc/{cable.process.pid}/status").read()
    check("CapEff:\t0000000000000000" in status and "Uid:\t65534" in status, status)
    # Later changes need rights too, and find them at the opener.
    cable.ask("set a mtu 9000")
    until(lambda: "mtu 9000" in red.run("ip", "link", "show", "epair0a"), "the device's MTU")
    red.run("ip", "link", "set", "epair0a", "mtu", "1400")
    cable.await_stat("a", mtu=1400)
    red.end()
    cable.await_event("detach epair0a the process that had the namespace ended")
    blue.end()
    cable.close()


def new_namespaces_need_no_rights():
    cable = user_cable("tap:netns=new,addr=10.0.0.1/24", "tap:netns=new,addr=10.0.0.2/24")
    path = cable.await_event("attachment epair0a namespace is .*").split()[-1]
    ping = ["nsenter", f"--net={path}", "ping", "-q", "10.0.0.2"]
    # The other end may be on its way.
    until(lambda: " 0% packet loss" in lab.run(*ping, "-c", "1", "-W", "1", fails=True),
          "a ping across")
    text = lab.run(*ping, "-c", "3", "-i", "0.01")
    check(" 0% packet loss" in text, text)
    cable.close()


def what_is_not_the_user_s_is_refused_and_said_why():
    Netns("red")
    fails("tap:netns=red", "EPERM may not enter namespace red: Operation not permitted")
    fails("tap", "EPERM may not make a TAP in this namespace: Operation not permitted (that takes "
          "CAP_NET_ADMIN there; netns=new takes none)")
    fails("tap:netns=1", "EACCES cannot open /proc/1/ns/net: Permission denied")
    os.chmod("/dev/net/tun", 0o600)
    try:
        fails("tap:netns=new", "EACCES cannot open /dev/net/tun: Permission denied")
    finally:
        os.chmod("/dev/net/tun", 0o666)


def a_tap_that_root_made_for_the_user_is_taken():
    lab.run("ip", "tuntap", "add", "dev", "tap7", "mode", "tap", "user", "65534")
    try:
        lab.run("ip", "link", "set", "tap7", "mtu", "1300", "up")
        lab.run("ip", "addr", "add", "10.0.0.1/24", "dev", "tap7")
        cable = user_cable("tap:name=tap7", "echo:addr=10.0.0.2/24")
        # Its MTU is root's to set: the interface takes it.
        cable.await_stat("a", mtu=1300)
        text = lab.run("ping", "-q", "-c", "3", "-i", "0.01", "10.0.0.2")
        check(" 0% packet loss" in text, text)
        lab.run("ip", "link", "set", "tap7", "mtu", "1400")
        cable.await_stat("a", mtu=1400)
        fails("tap:name=tap7", "EBUSY the TAP tap7 in this namespace is in use by another program")
        cable.close()
        check("tap7" in lab.run("ip", "link"), "it was not ours to delete")
    finally:
        lab.run("ip", "link", "del", "tap7")


def open_tap(netns, name, flags):
    """A TAP of somebody else's making, in a namespace, as a descriptor."""
    here = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{netns}", os.O_RDONLY)
    libc = __import__("ctypes").CDLL(None, use_errno=True)
    equal(libc.setns(there, 0), 0)
    try:
        fd = os.open("/dev/net/tun", os.O_RDWR)
        fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | flags))
    finally:
        equal(libc.setns(here, 0), 0)
        os.close(here)
        os.close(there)
    return fd


def handed_over(flags, prefix):
    red = Netns("red")
    fd = open_tap("red", "tap8", flags)
    red.ip("addr", "add", "10.0.0.1/24", "dev", "tap8")
    red.ip("link", "set", "tap8", "up")
    os.set_inheritable(fd, True)
    Cable.more = {"pass_fds": (fd,)}
    try:
        cable = Cable(f"tap:fd={fd}", "echo:addr=10.0.0.2/24", prefix=prefix)
    finally:
        Cable.more = {}
        os.close(fd)
    red.reaches("10.0.0.2")
    text = red.ping("10.0.0.2", "-c", "20", "-i", "0.01", "-s", "1400")
    check(" 0% packet loss" in text, text)
    return red, cable


def a_tap_handed_over_needs_no_rights_at_all():
    red, cable = handed_over(IFF_NO_PI | IFF_VNET_HDR, AS_USER)
    red.ip("link", "del", "tap8")
    cable.await_event("detach epair0a device tap8 was deleted")
    cable.close()


def a_tap_handed_over_is_the_attachment_s_from_then_on():
    red, cable = handed_over(IFF_NO_PI | IFF_VNET_HDR, AS_USER)
    cable.ask("detach a")
    equal(red.link("tap8"), None)
    cable.close()


def a_tap_without_offload_header_will_do():
    _, cable = handed_over(IFF_NO_PI, AS_USER)
    cable.close()


def with_rights_a_tap_handed_over_is_followed():
    red, cable = handed_over(IFF_NO_PI | IFF_VNET_HDR, ())
    equal(red.link("tap8")["address"], cable.stats("a")["mac"])
    red.ip("link", "set", "tap8", "mtu", "1400")
    cable.await_stat("a", mtu=1400)
    cable.close()


lab.main([
    the_user_s_own_namespaces_are_joined,
    new_namespaces_need_no_rights,
    what_is_not_the_user_s_is_refused_and_said_why,
    a_tap_that_root_made_for_the_user_is_taken,
    a_tap_handed_over_needs_no_rights_at_all,
    a_tap_handed_over_is_the_attachment_s_from_then_on,
    a_tap_without_offload_header_will_do,
    with_rights_a_tap_handed_over_is_followed,
], needs=("setpriv", "nsenter", "ping"))
