#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""examples/lab.yaml: brought up, pinged, impaired, captured and taken down."""
import os
import subprocess
import tempfile

from daemon import Daemon
from harness import EPAIR, case, frames, main, need_root, need_tun, own_namespaces, until

LAB = os.path.join(os.environ["SOURCE_ROOT"], "examples", "lab.yaml")
NODES = ["west", "middle", "east"]


def ip(*args):
    return subprocess.run(["ip", *args], check=True, capture_output=True, text=True).stdout


def ping(count=1):
    return subprocess.run(["ip", "netns", "exec", "west", "ping", "-n", "-c", str(count), "-W", "2",
                           "10.2.0.2"], capture_output=True, check=False).returncode == 0


@case
def vnet_has_a_namespace_of_its_own():
    need_root()
    need_tun()
    with tempfile.TemporaryDirectory(prefix="epair-test-") as state, \
            Daemon("--state", state) as d:
        def links():
            return {line.split()[0] for line in d.epair("exec", "lab", "ip", "-br", "link")
                    .splitlines()}

        d.epair("vnet", "add", "lab", "tap:netns=new")
        assert "no namespace of its own" in d.refused("exec", "lab", "true")
        d.epair("create", "a.vnet=lab", "b.vnet=lab", "a.name=one", "b.name=two")
        d.epair("create", "a.vnet=lab", "a.name=three")
        assert links() == {"lo", "one", "two", "three"}
        d.epair("exec", "lab", "sh", "-c", "exit 7", status=7)
        d.epair("exec", "lab", "no such command", status=127)
        d.process.kill()
        d.process.wait()
        d.start()
        assert links() == {"lo", "one", "two", "three"}
        # Who comes later, even when all others are gone, comes into the same.
        d.epair("exec", "lab", "ip", "link", "add", "mine", "type", "bridge")
        for name in "one", "three":
            d.epair("destroy", name)
        d.epair("create", "a.vnet=lab", "a.name=four")
        assert links() == {"lo", "mine", "four"}
        d.epair("vnet", "del", "lab")
        assert "no vnet lab" in d.refused("exec", "lab", "true")


@case
def three_namespaces_are_joined_impaired_captured_and_parted():
    need_root()
    need_tun()
    for node in NODES:
        ip("netns", "add", node)
    ip("netns", "exec", "middle", "sh", "-c", "echo 1 >/proc/sys/net/ipv4/ip_forward")
    with Daemon() as d:
        d.epair("apply", LAB)
        for end in "epair0a", "epair0b", "epair1a", "epair1b":
            d.epair("wait", end, "up", "--timeout", "20")
        until(ping, "west hears east", 30)
        assert d.epair("apply", LAB).startswith("0 steps")

        d.epair("link", "epair0a", "cut", "on")
        assert not ping(), "a cable that is cut"
        assert "drop cut" in d.epair("show", "epair0a")
        d.epair("link", "epair0a", "none")
        d.epair("link", "epair1a", "delay", "20ms")
        until(ping, "it is heard again", 30)

        path = os.path.join(d.folder.name, "capture")
        with subprocess.Popen([EPAIR, "--socket", d.socket, "capture", "epair1b", "-w", path, "-c", "4",
                               "icmp"]) as capturing:
            until(lambda: os.path.exists(path) and (ping() or True) and
                  capturing.poll() is not None, "four pings and answers were captured", 30)
            assert capturing.returncode == 0
        assert frames(path, "-Y", "icmp") == 4

        d.epair("vnet", "add", "west", "tap:netns=west")
        assert "epair0a" in d.epair("exec", "west", "ip", "-br", "link")
        assert "no namespace" in d.refused("exec", "vnet0", "true")

        d.epair("destroy", "epair0a")
        d.epair("destroy", "epair1a")
        for node in NODES:
            assert "epair" not in ip("-n", node, "-br", "link")
    for node in NODES:
        ip("netns", "del", node)


own_namespaces()
main()
