#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The link tells the truth: the table of doc/link-state.md, cell by cell.

     what goes                                   what shows it
    +---------+  kind   +-----------------+  kind   +---------+
    | behind a|=========| a  cable  b     |=========| behind b|
    +---------+         +-----------------+         +---------+

Each kind has a class: what stands behind it can go away and come back, and has
a way of its own to show that there is no link, or has none.
"""
import os
import socket
import subprocess
import tempfile

import lab
from lab import Cable, Netns, check, until
from testpmd import Testpmd

FOLDER = tempfile.mkdtemp(prefix="epair-link-")
UP, DOWN = "2", "1"


class Tap:
    """A namespace. It goes by `ip link set down`, and shows carrier."""

    def __init__(self, end):
        self.dev = "epair0" + end
        self.netns = Netns("ns" + end)
        self.spec = f"tap:netns=ns{end}"

    def go(self):
        self.netns.ip("link", "set", self.dev, "down")

    def come(self):
        self.netns.ip("link", "set", self.dev, "up")

    def shows(self, has_link):
        word = "LOWER_UP" if has_link else "NO-CARRIER"
        return lambda: word in self.netns.link(self.dev)["flags"]

    def end(self):
        pass


class Veth(Tap):
    """The same, through a veth."""

    def __init__(self, end):
        super().__init__(end)
        self.spec = f"veth:netns=ns{end}"


class Memif:
    """A process with a memif and a sink. It goes by a signal, and shows its connection."""

    def __init__(self, end, role):
        self.role = role
        self.path = f"{FOLDER}/{end}"
        self.spec = f"memif:path={self.path},role={role},reconnect=10ms"
        if role == "server":
            self.spec = f"memif:path={self.path},role={role}"
        self.peer = None

    def go(self):
        self.peer.process.kill()
        self.peer.process.wait()

    def come(self):
        other = f"memif:path={self.path},role=server"
        if self.role == "server":
            other = f"memif:path={self.path},role=client,reconnect=10ms"
        self.peer = Cable(other, "sink")

    def shows(self, has_link):
        def is_so():
            self.peer.ask("usage")
            said = [e for e in self.peer.events if "connected" in e]
            return bool(said) and ("disconnected: Link is down" not in said[-1]) == has_link
        return is_so

    def end(self):
        self.peer.close()


class MemifClient(Memif):
    def __init__(self, end):
        super().__init__(end, "client")


class MemifServer(Memif):
    def __init__(self, end):
        super().__init__(end, "server")


class Qemu:
    """QEMU without a guest. It goes by a signal; carrier is for tests/vm to look at."""

    shows = None

    def __init__(self, end, spec, netdev):
        self.spec, self.netdev = (text.replace("PATH", f"{FOLDER}/{end}")
                                  for text in (spec, netdev))
        self.process = None

    def go(self):
        self.process.kill()
        self.process.wait()

    def come(self):
        self.process = subprocess.Popen(
            ["qemu-system-x86_64", "-M", "none", "-nodefaults", "-display", "none",
             "-netdev", self.netdev, "-netdev", "hubport,id=h,hubid=0,netdev=n"],
            stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def end(self):
        self.go()


class QemuClient(Qemu):
    def __init__(self, end):
        super().__init__(end, "qemu:path=PATH,reconnect=10ms",
                         "stream,id=n,server=on,addr.type=unix,addr.path=PATH")

    def come(self):
        # QEMU does not bind a path that is there.
        if os.path.exists(f"{FOLDER}/a"):
            os.unlink(f"{FOLDER}/a")
        super().come()


class QemuServer(Qemu):
    def __init__(self, end):
        super().__init__(end, "qemu:mode=server,path=PATH",
                         "stream,id=n,server=off,addr.type=unix,addr.path=PATH")


class QemuDgram(Qemu):
    def __init__(self, end):
        super().__init__(end, "qemu:type=dgram,path=PATH.e,remote=PATH,reconnect=10ms",
                         "dgram,id=n,local.type=unix,local.path=PATH,"
                         "remote.type=unix,remote.path=PATH.e")


class SeqpacketServer:
    """Somebody with frames in packets of a socket, as user-mode Linux has. It goes by closing it."""

    shows = None

    def __init__(self, end):
        self.path = f"{FOLDER}/{end}"
        self.spec = f"qemu:type=seqpacket,mode=server,path={self.path}"
        self.sock = None

    def come(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.sock.connect(self.path)

    def go(self):
        self.sock.close()

    def end(self):
        self.go()


class SeqpacketClient(SeqpacketServer):
    """The same, and it is he who listens."""

    def __init__(self, end):
        super().__init__(end)
        self.spec = f"qemu:type=seqpacket,path={self.path},reconnect=10ms"

    def come(self):
        if os.path.exists(self.path):
            os.unlink(self.path)
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
            server.settimeout(20)
            server.bind(self.path)
            server.listen()
            self.sock = server.accept()[0]


class Vhost:
    """DPDK with a virtio_user that listens. It goes by a signal, and shows its port's link."""

    def __init__(self, end):
        self.path = f"{FOLDER}/{end}"
        self.spec = f"vhost:path={self.path},mode=client,reconnect=10ms"
        self.pmd = None

    def go(self):
        self.pmd.kill()

    def come(self):
        if os.path.exists(self.path):
            os.unlink(self.path)
        self.pmd = Testpmd(f"net_virtio_user0,path={self.path},server=1", "rxonly")

    def shows(self, has_link):
        word = "Link status: " + ("up" if has_link else "down")
        return lambda: word in self.pmd.ask("show port info 0")

    def end(self):
        self.pmd.quit()


class Echo:
    """A test stack, of the process itself: always there, and shows nothing."""

    shows = go = None
    spec = "echo"

    def __init__(self, end):
        pass

    def come(self):
        pass

    end = come


class Sink(Echo):
    """Takes what comes."""

    spec = "sink"


class Source(Echo):
    """Sends and takes nothing."""

    spec = "source:rate=100"


class Pcap(Echo):
    """A file that is written."""

    spec = f"pcap:write={FOLDER}/out.pcap"


def cable_of(a, b):
    cable = Cable("-", "-")
    cable.ask("set a carrier follow")
    for end, stack in (("a", a), ("b", b)):
        cable.ask(f"attach {end} {stack.spec}")
        stack.come()
    return cable


def link(cable, end, has_link):
    cable.await_stat(end, link=int(UP if has_link else DOWN))


def whoever_goes_is_missed(kind):
    """Of every kind that can go: the other end's link, and a TAP's carrier there."""
    a, b = kind("a"), Tap("b")
    cable = cable_of(a, b)
    until(b.shows(True), "carrier to begin with")
    for _ in range(2 if kind.go else 0):
        a.go()
        link(cable, "b", False)
        until(b.shows(False), "carrier to go")
        link(cable, "a", True)
        a.come()
        link(cable, "b", True)
        until(b.shows(True), "carrier to come back")
    a.end()
    cable.close()


OUTAGES = {
    "admin down": ("set b down", "set b up"),
    "cut": ("set b link cut", "set b link none"),
    "cut both ways": ("set b link cut", "set a link cut", "set b link none", "set a link none"),
    "detached": ("detach b", "attach b sink"),
}


def link_that_goes_is_shown(kind):
    """By every kind that can show it; it comes back by itself."""
    a, b = kind("a"), Echo("b")
    cable = cable_of(a, b)
    until(a.shows(True), "a link to begin with")
    for name, words in OUTAGES.items():
        half = len(words) // 2
        for line in words[:half]:
            cable.ask(line)
        link(cable, "a", False)
        until(a.shows(False), f"{name} to be shown")
        for line in words[half:]:
            cable.ask(line)
        until(a.shows(True), f"the end of {name} to be shown")
        link(cable, "a", True)
        link(cable, "b", True)
    a.end()
    cable.close()


def namespace_that_is_deleted_is_missed():
    a, b = Tap("a"), Tap("b")
    cable = cable_of(a, b)
    until(b.shows(True), "carrier to begin with")
    a.netns.delete()
    until(b.shows(False), "carrier to go")
    cable.await_event("link epair0b nobody is behind the other end")
    Netns("nsa")
    cable.ask("attach a tap:netns=nsa")
    until(b.shows(True), "carrier to come back")
    cable.close()


def namespace_whose_process_ends_is_missed():
    b = Tap("b")
    process = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
    until(lambda: os.readlink(f"/proc/{process.pid}/ns/net") != os.readlink("/proc/self/ns/net"),
          "a namespace")
    cable = Cable("-", "-")
    cable.ask("set a carrier follow")
    cable.ask(f"attach a tap:netns=/proc/{process.pid}/ns/net")
    cable.ask(f"attach b {b.spec}")
    until(b.shows(True), "carrier to begin with")
    process.kill()
    process.wait()
    until(b.shows(False), "carrier to go")
    cable.await_event("link epair0b nobody is behind the other end")
    cable.close()


def truth_crosses_two_cables():
    """A namespace, a process, another process, a namespace."""
    left, right = Tap("a"), Netns("nsb")
    near, far = Cable("-", "-"), Cable("-", "-")
    for cable in near, far:
        cable.ask("set a carrier follow")
    near.ask(f"attach a {left.spec}")
    near.ask(f"attach b memif:role=server,path={FOLDER}/m")
    far.ask(f"attach a memif:role=client,reconnect=10ms,path={FOLDER}/m")
    far.ask("attach b tap:netns=nsb")

    def shows(word):
        return lambda: word in right.link("epair0b")["flags"]
    until(shows("LOWER_UP"), "carrier to begin with")
    for _ in range(2):
        left.go()
        until(shows("NO-CARRIER"), "carrier to go at the far end")
        left.come()
        until(shows("LOWER_UP"), "carrier to come back at the far end")
        until(left.shows(True), "carrier to come back at the near end")
    right.ip("link", "set", "epair0b", "down")
    until(left.shows(False), "carrier to go at the near end")
    right.ip("link", "set", "epair0b", "up")
    until(left.shows(True), "carrier to come back at the near end")
    near.close()
    far.close()


def without_following_all_is_as_it_was():
    a, b = Tap("a"), Tap("b")
    cable = cable_of(a, b)
    cable.ask("set a carrier always")
    a.go()
    cable.await_event("attachment epair0a device epair0a is down")
    cable.ask("set a down")
    cable.ask("set a link cut")
    link(cable, "b", True)
    check(b.shows(True)(), "carrier went")
    cable.close()


def each(test, kinds):
    def one(kind):
        def run_it():
            test(kind)
        run_it.__name__ = f"{test.__name__}_{kind.__name__.lower()}"
        return run_it
    return [one(kind) for kind in kinds]


KINDS = [Tap, Veth, MemifClient, MemifServer, QemuClient, QemuServer, QemuDgram,
         SeqpacketServer, SeqpacketClient, Vhost, Echo, Sink, Source, Pcap]

lab.main([
    *each(whoever_goes_is_missed, KINDS),
    *each(link_that_goes_is_shown, [kind for kind in KINDS if kind.shows]),
    namespace_that_is_deleted_is_missed,
    namespace_whose_process_ends_is_missed,
    truth_crosses_two_cables,
    without_following_all_is_as_it_was,
], needs=("qemu-system-x86_64", "dpdk-testpmd"))
