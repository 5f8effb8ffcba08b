#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""model.py FILE... - play traces against a model of the original driver.

The model is written from doc/contract.md and from the traces, and from nothing
of src/: a second reading of the contract, to hold the library against. What it
does not know is how anything is done. There are no locks, bursts or buffers,
and alike frames that go the same way are one Run.

A mismatch is told as the player does; generate.py uses the model to answer the
commands it makes up.
"""
import dataclasses
import re
import sys

LIMIT = 4096  # frames of a queue
UNIT_MAX = 32767
COUNTERS = "ipackets ibytes imcasts ierrors opackets obytes omcasts oerrors oqdrops".split()


class Refused(Exception):
    """A command that failed; its argument is the error's name."""


@dataclasses.dataclass
class Run:
    """Frames FIRST to FIRST + COUNT - 1, alike in all that matters."""
    first: int
    count: int
    length: int
    group: bool
    tags: int  # persistent ones; no others come to the far side

    def split(self, count):
        """The first COUNT of these frames, or all there are."""
        return dataclasses.replace(self, count=min(self.count, count))


class Interface:
    def __init__(self, pair, name, index):
        self.pair = pair
        self.peer = None
        self.name = name
        self.index = index
        self.vnet = None
        self.ether = None
        self.mtu = 1500
        self.fib = 0
        self.up = False
        self.forward = None
        self.state = "IDLE"
        self.queue = []
        self.counters = dict.fromkeys(COUNTERS, 0)

    def count(self, **by):
        for counter, n in by.items():
            self.counters[counter] += n


@dataclasses.dataclass
class Pair:
    home: "Vnet"
    unit: int
    ends: tuple = ()


class Vnet:
    """A vnet's interfaces, as they came, and the pairs made in it, likewise."""

    def __init__(self):
        self.interfaces = []
        self.pairs = []

    def find(self, name):
        return next((i for i in self.interfaces if i.name == name), None)

    def attach(self, ifp):
        self.interfaces.append(ifp)
        ifp.vnet = self


def hashword(words):
    """lookup3's hashword() of three words, initval 0."""
    def rot(x, k):
        return (x << k | x >> (32 - k)) & 0xffffffff

    a, b, c = ((0xdeadbeef + 4 * len(words) + w) & 0xffffffff for w in words)
    c = (c ^ b) - rot(b, 14) & 0xffffffff
    a = (a ^ c) - rot(c, 11) & 0xffffffff
    b = (b ^ a) - rot(a, 25) & 0xffffffff
    c = (c ^ b) - rot(b, 16) & 0xffffffff
    a = (a ^ c) - rot(c, 4) & 0xffffffff
    b = (b ^ a) - rot(a, 14) & 0xffffffff
    c = (c ^ b) - rot(b, 24) & 0xffffffff
    return c


def unit_of(name):
    """The unit that a name asks for, None for the wildcard (contract 1.2)."""
    found = re.fullmatch(r"epair([0-9]*)", name)
    if not found:
        raise Refused("EINVAL")
    digits = found[1]
    if not digits:
        return None
    if digits != "0" and digits[0] == "0" or int(digits) > 2147483647:
        raise Refused("EINVAL")
    if int(digits) > UNIT_MAX:
        raise Refused("ENOSPC")
    return int(digits)


class Model:
    """An instance. Each command of a trace is a method do_NAME; it returns the
    answer or raises Refused, and leaves what was delivered in `delivered`."""

    def __init__(self):
        self.do_boot("hostid=0")

    def command(self, line):
        """The lines that follow a command: deliveries, then the answer."""
        name, *words = line.split()
        self.delivered = []
        try:
            answer = getattr(self, "do_" + name)(*words)
        except Refused as refused:
            answer = refused
        return [*map(delivery, self.delivered), f"= {answer}".rstrip()]

    # Finding

    def vnet(self, name):
        if name not in self.vnets:
            raise Refused("ENOENT")
        return self.vnets[name]

    def interface(self, name):
        vnet, _, name = name.partition(":")
        ifp = self.vnets[vnet].find(name) if vnet in self.vnets else None
        if not ifp:
            raise Refused("ENXIO")
        return ifp

    def everyone(self):
        return [ifp for vnet in self.vnets.values() for ifp in vnet.interfaces]

    # Life

    def do_boot(self, hostid):
        self.host = int(hostid.removeprefix("hostid="), 0)
        self.vnets = {}
        self.macs = 0  # the counter of contract 2.3
        self.frames = 0
        self.tasks = []
        self.delivered = []
        return 0

    def do_vnet(self, name):
        if name in self.vnets:
            raise Refused("EEXIST")
        self.vnets[name] = Vnet()
        return 0

    def do_vnetdel(self, name):
        vnet = self.vnet(name)
        for ifp in [i for i in vnet.interfaces if i.pair.home is not vnet]:
            if ifp.pair.home.find(ifp.name):
                ifp.name = f"dev{ifp.index}"
            self.move(ifp, ifp.pair.home)
        for pair in reversed(vnet.pairs[:]):
            self.destroy(pair)
        del self.vnets[name]
        return 0

    def do_create(self, vnet, name):
        vnet = self.vnet(vnet)
        unit = unit_of(name)
        taken = {pair.unit for pair in vnet.pairs}

        def is_free(n):
            names = f"epair{n}", f"epair{n}a", f"epair{n}b"
            return n not in taken and not any(map(vnet.find, names))

        if unit is None:
            unit = next((n for n in range(UNIT_MAX + 1) if is_free(n)), None)
            if unit is None:
                raise Refused("ENOSPC")
        elif not is_free(unit):
            raise Refused("EEXIST")
        return self.create(vnet, unit).name

    def create(self, vnet, unit):
        pair = Pair(vnet, unit)
        used = {ifp.index for ifp in self.everyone()}
        free = (n for n in range(1, len(used) + 3) if n not in used)
        a, b = pair.ends = [Interface(pair, f"epair{unit}{end}", next(free)) for end in "ab"]
        a.peer, b.peer = b, a
        self.macs = max(a.index, self.macs + 1)
        word = hashword([self.macs, self.host & 0xffffffff, self.host >> 32])
        for ifp, last in (a, 0x0a), (b, 0x0b):
            ifp.ether = bytes([2, *word.to_bytes(4, "little"), last])
            vnet.attach(ifp)
        vnet.pairs.append(pair)
        return a

    def do_destroy(self, name):
        self.destroy(self.interface(name).pair)
        return 0

    def destroy(self, pair):
        for ifp in pair.ends:
            ifp.vnet.interfaces.remove(ifp)
            if ifp in self.tasks:
                self.tasks.remove(ifp)
        for ifp in self.everyone():
            if ifp.forward in pair.ends:
                ifp.forward = None
        pair.home.pairs.remove(pair)

    def do_vmove(self, name, vnet):
        ifp = self.interface(name)
        vnet = self.vnet(vnet)
        if vnet.find(ifp.name):
            raise Refused("EEXIST")
        self.move(ifp, vnet)
        return 0

    def move(self, ifp, vnet):
        ifp.vnet.interfaces.remove(ifp)
        ifp.up = False
        ifp.forward = None
        vnet.attach(ifp)

    # Configuration

    def do_up(self, name):
        self.interface(name).up = True
        return 0

    def do_down(self, name):
        self.interface(name).up = False
        return 0

    def do_mtu(self, name, mtu):
        ifp = self.interface(name)
        if not 72 <= int(mtu, 0) <= 65535:
            raise Refused("EINVAL")
        ifp.mtu = int(mtu, 0)
        return 0

    def do_fib(self, name, fib):
        self.interface(name).fib = int(fib, 0)
        return 0

    def do_forward(self, name, to):
        ifp = self.interface(name)
        ifp.forward = None if to == "-" else self.interface(to)
        return 0

    # Data

    def do_tx(self, name, count, length, kind, *meta):
        ifp = self.interface(name)
        count = int(count, 0)
        run = Run(self.frames + 1, count, int(length, 0), kind != "ucast", int("ptag" in meta))
        self.frames += count
        return self.transmit(ifp, run)

    def transmit(self, ifp, run):
        """Contract 3, in its order. RUNNING goes at destroy, and nothing that
        a trace says comes after that."""
        peer = ifp.peer
        if run.length > ifp.mtu + 18:
            ifp.count(oerrors=run.count)
            return "E2BIG"
        if not ifp.up:
            ifp.count(oerrors=run.count)
            return "ENETDOWN"
        if not peer.up:
            ifp.count(oerrors=run.count)
            return 0
        self.enqueue(ifp, peer, run)
        return 0

    def enqueue(self, ifp, peer, run):
        """Contract 4."""
        queued = run.split(LIMIT - sum(r.count for r in peer.queue))
        n = queued.count
        ifp.count(oqdrops=run.count - n)
        if not n:
            return
        ifp.count(opackets=n, obytes=n * run.length, omcasts=n * run.group)
        peer.count(ipackets=n)
        peer.queue.append(queued)
        if peer.state == "IDLE":
            self.wake(peer)

    def wake(self, ifp):
        ifp.state = "WAKING"
        self.tasks.append(ifp)

    def run_task(self):
        ifp = self.tasks.pop(0)
        ifp.state = "RUNNING"
        taken, ifp.queue = ifp.queue, []
        for run in taken:
            self.deliver(ifp, run)
        if ifp.queue:
            self.wake(ifp)
        else:
            ifp.state = "IDLE"

    def deliver(self, ifp, run):
        """Contract 5, and what the stack does."""
        n = run.count
        if not ifp.up:
            return
        if run.length < 14:
            ifp.count(ierrors=n)
            return
        ifp.count(imcasts=n * run.group, ibytes=n * run.length)
        self.note(ifp, run)
        if ifp.forward:
            self.transmit(ifp.forward, run)

    def note(self, ifp, run):
        vnet = next(name for name, v in self.vnets.items() if v is ifp.vnet)
        head = f"{vnet}:{ifp.name}", ifp.fib, run.tags
        if not self.delivered or self.delivered[-1][0] != head:
            self.delivered.append((head, []))
        spans = self.delivered[-1][1]
        last = run.first + run.count - 1
        if spans and spans[-1][1] + 1 == run.first:
            spans[-1][1] = last
        else:
            spans.append([run.first, last])

    def do_step(self, n):
        for _ in range(int(n, 0)):
            if self.tasks:
                self.run_task()
        return len(self.tasks)

    def do_run(self):
        while self.tasks:
            self.run_task()
        return 0

    # Looking

    def do_stats(self, name):
        return " ".join(f"{k}={v}" for k, v in self.interface(name).counters.items())

    def do_show(self, name):
        ifp = self.interface(name)
        return (f"ether={ifp.ether.hex(':')} mtu={ifp.mtu} up={ifp.up:d} "
                f"running=1 link=up index={ifp.index}")

    def do_list(self, vnet):
        return " ".join(ifp.name for ifp in self.vnet(vnet).interfaces)


def delivery(noted):
    (name, fib, tags), spans = noted
    frames = " ".join(str(a) if a == b else f"{a}-{b}" for a, b in spans)
    return f"| {name} {frames}" + (f" fib={fib} tags={tags}" if fib or tags else "")


def play(path):
    """Whether the model answers each command of a trace as the trace does."""
    model = Model()
    got = []
    with open(path, encoding="ascii") as file:
        for number, line in enumerate(map(str.rstrip, file), 1):
            if not line or line[0] == "#":
                continue
            if line[0] not in "|=":
                got += model.command(line)
                continue
            want = got.pop(0) if got else "nothing"
            if line != want:
                print(f"{path}:{number}: expected {line}, got {want}")
                return False
    return not got


def main(paths):
    passed = sum(map(play, paths))
    print(f"{passed} passed, {len(paths) - passed} failed")
    return passed < len(paths)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
