#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""generate.py SEED - write a random trace, with the model's answers.
generate.py -p PLAYER [-c COUNT] SEED - play COUNT of them, from SEED on.

Commands come about as often as in the recorded traces, and among them scenes
that seldom come by chance: a queue filled to its limit in parts, rings, units
and names that are taken when somebody comes home. A trace that the player
fails is left in the current folder.

It stays away from what the contract leaves open: the address for a host id of
0, `run` where frames go round for ever, and which of two errors is told where
the vnet is not there and the interface, or a good name, is not either.
"""
import argparse
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile

from model import LIMIT, Model

VNETS = "v0 v1 v2 v3".split()
NAMES = ("epair epair0 epair1 epair2 epair3 epair5 epair8 epair13 epair100 epair32766 epair32767 "
         "epair32768 epair032767 epair2147483647 epair2147483648 epair4294967295 epair4294967296 "
         "epair9999999999 epair10000000000 epair18446744073709551616 epair00 epair000 epair01 "
         "epair0a epair0b epair1b epaira epair-1 epair+1 epair1.0 epair0x1 epairx epairepair0 epai e "
         "Epair EPAIR0 xepair epair1x dev1 dev0a").split()
MTUS = 0, 1, 68, 71, 72, 73, 576, 1280, 1500, 9000, 65534, 65535, 65536, 100000
LENGTHS = *range(15), 59, 60, 64, 590, 1280, 1514, 1517, 1518, 1519, 9018, 9019
AT_ONCE = 200  # traces of one player
MISMATCHES = 10  # lines that are told of one trace
COUNTS = 1, 1, 1, 2, 3, 10, 64, 500, LIMIT - 1, LIMIT, LIMIT + 1, 6000


class Generator:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.model = Model()
        self.lines = [f"# generated trace {seed}"]
        self.say("boot", f"hostid={self.random.randrange(1, 1 << 64):#x}")
        for vnet in VNETS[:self.random.randint(1, len(VNETS))]:
            self.say("vnet", vnet)

    def say(self, *words):
        line = " ".join(map(str, words))
        self.lines += [line, *self.model.command(line)]

    def pick(self, *of):
        return self.random.choice(of)

    # What commands are about

    def vnet(self):
        """One that is there; now and then one that may not be."""
        there = list(self.model.vnets)
        return self.pick(*VNETS) if not there or self.random.random() < 0.03 else self.pick(*there)

    def name(self, ifp):
        return next(f"{n}:{ifp.name}" for n, v in self.model.vnets.items() if v is ifp.vnet)

    def there(self):
        """Some interface that is there, or None."""
        everyone = self.model.everyone()
        return self.pick(*everyone) if everyone else None

    def interface(self):
        ifp = self.there()
        if not ifp or self.random.random() < 0.03:
            end = self.pick("0a", "0b", "1a", "3b", "0", "")
            return f"{self.pick(*VNETS)}:epair{end}x"
        return self.name(ifp)

    def is_ring(self):
        """Whether frames may go round: what an end receives goes out of
        another, and so comes to the peer of that."""
        for start in self.model.everyone():
            ifp, seen = start, set()
            while ifp.forward and ifp not in seen:
                seen.add(ifp)
                ifp = ifp.forward.peer
            if ifp.forward:
                return True
        return False

    # Commands

    def tend(self):
        """Where little is left, nothing much happens."""
        if len(self.model.vnets) < 2:
            self.say("vnet", self.pick(*[v for v in VNETS if v not in self.model.vnets]))
        while len(self.model.everyone()) < 4:
            self.create()

    def create(self):
        vnet, name = self.vnet(), self.pick("epair", "epair", *NAMES)
        if vnet not in self.model.vnets:
            name = "epair"
        self.say("create", vnet, name)
        if self.lines[-1].startswith("= epair"):
            a = self.lines[-1][2:]
            for name in a, a[:-1] + "b":
                if self.random.random() < 0.8:
                    self.say("up", f"{vnet}:{name}")

    def vmove(self):
        name, vnet = self.interface(), self.vnet()
        if name.endswith("x"):
            vnet = next(iter(self.model.vnets), None)
        if vnet:
            self.say("vmove", name, vnet)
            if self.lines[-1] == "= 0" and self.random.random() < 0.6:
                self.say("up", f"{vnet}:{name.partition(':')[2]}")

    def tx(self, name=None, count=None):
        ifp = self.there()
        length = self.pick(*LENGTHS)
        if not name and ifp and self.random.random() < 0.97:
            name = self.name(ifp)
            if self.random.random() < 0.3:
                length = ifp.mtu + self.pick(17, 18, 19)
        tags = [t for t in ("vlantag", "sndtag", "ptag", "ntag") if self.random.random() < 0.15]
        kind = self.pick("ucast", "ucast", "bcast", "mcast")
        if count is None:
            count = self.pick(*COUNTS)
        self.say("tx", name or self.interface(), count, length, kind, *tags)

    def run(self):
        if self.is_ring():
            self.step()
        else:
            self.say("run")

    def step(self):
        self.say("step", self.pick(0, 1, 1, 2, 2, 3, 4, 9))

    def forward(self):
        self.say("forward", self.interface(), self.pick("-", *[self.interface()] * 3))

    def mtu(self):
        self.say("mtu", self.interface(), self.pick(*MTUS))

    def fib(self):
        self.say("fib", self.interface(), self.pick(0, 0, 1, 2, 3))

    # Scenes

    def fill(self):
        """A queue comes to its limit by parts, tasks running between."""
        ifp = self.there()
        if not ifp:
            return
        for end in ifp, ifp.peer:
            self.say("up", self.name(end))
        left = LIMIT + self.pick(-1, 0, 1, 2)
        while left > 0:
            part = min(left, self.pick(1, 2, 1000, LIMIT - 1, LIMIT))
            self.say("tx", self.name(ifp), part, 60, "ucast", *self.pick(["ptag"], []))
            left -= part
            if self.random.random() < 0.2:
                self.step()
            if self.random.random() < 0.1:
                self.say("fib", self.name(ifp.peer), self.pick(0, 1, 2))
        self.say("stats", self.name(ifp))

    def ring(self):
        """Chains and rings, of one pair up to all."""
        everyone = self.model.everyone()
        ends = self.random.sample(everyone, k=min(len(everyone), self.pick(1, 2, 3)))
        for ifp, to in zip(ends, ends[1:] + ends[:1]):
            for end in ifp, ifp.peer:
                self.say("up", self.name(end))
            self.say("forward", self.name(ifp.peer), self.name(to))
        for ifp in ends:
            self.tx(self.name(ifp), self.pick(1, 3, LIMIT))
        for _ in range(self.random.randint(1, 6)):
            self.step()

    def flap(self):
        """An end goes down, or leaves, with frames on their way to it."""
        ifp = self.there()
        if not ifp:
            return
        for end in ifp, ifp.peer:
            self.say("up", self.name(end))
        self.tx(self.name(ifp), self.pick(1, 3))
        for end in self.random.sample([ifp, ifp.peer], k=self.pick(1, 2)):
            self.say(self.pick("down", "up"), self.name(end))
        self.pick(self.step, self.vmove, self.destroy, self.fib, self.run)()
        self.tx()
        self.step()

    def strangers(self):
        """Interfaces that are away while names and units change at home."""
        for _ in range(self.random.randint(1, 3)):
            ifp, vnet = self.there(), self.vnet()
            if ifp and vnet in self.model.vnets:
                home = next(n for n, v in self.model.vnets.items() if v is ifp.pair.home)
                self.say("vmove", self.name(ifp), vnet)
                self.say("create", home, self.pick("epair", ifp.name.rstrip("ab")))
                self.say("create", vnet, self.pick("epair", ifp.name.rstrip("ab")))
        for vnet in self.model.vnets:
            self.say("list", vnet)

    def destroy(self):
        self.say("destroy", self.interface())

    def vnetdel(self):
        vnet = self.vnet()
        self.say("vnetdel", vnet)
        for other in self.model.vnets:
            self.say("list", other)

    def new_vnet(self):
        self.say("vnet", self.pick(*VNETS))

    def list(self):
        self.say("list", self.vnet())

    def about(self, *commands):
        return lambda: self.say(self.pick(*commands), self.interface())

    def trace(self, length):
        patience = self.pick(1, 4, 16)
        scenes = {
            self.tx: 210, self.about("up"): 90, self.step: 80 / patience, self.run: 80 / patience,
            self.create: 80, self.about("stats"): 80, self.about("show"): 55, self.vmove: 50,
            self.mtu: 40, self.destroy: 32, self.list: 25, self.fib: 22, self.forward: 20,
            self.about("down"): 15, self.new_vnet: 15, self.flap: 15, self.strangers: 10,
            self.vnetdel: 7, self.ring: 6, self.fill: 4,
        }
        scenes = self.random.choices(list(scenes), scenes.values(), k=length)
        for scene in scenes:
            self.tend()
            scene()
        for ifp in self.model.everyone():
            self.say("stats", self.name(ifp))
            self.say("show", self.name(ifp))
        return "\n".join(self.lines) + "\n"


def play(player, seeds, length):
    """Plays these traces; returns how many failed, which the player tells."""
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        paths = [pathlib.Path(folder, f"generated-{seed}.trace") for seed in seeds]
        for seed, path in zip(seeds, paths):
            path.write_text(Generator(seed).trace(length), encoding="ascii")
        told = subprocess.run([player, *paths], stdout=subprocess.PIPE, text=True, check=False)
        *mismatches, tally = told.stdout.splitlines() or [""]
        for path in paths:
            mine = [line for line in mismatches if line.startswith(f"{path}:")]
            if mine:
                failed += 1
                shutil.copy(path, ".")
                print(*mine[:MISMATCHES], sep="\n")
        if not re.fullmatch(rf"\d+ passed, {failed} failed", tally):
            sys.exit(f"{player}: exit status {told.returncode}, and at the end: {tally}")
    return failed


def main():
    options = argparse.ArgumentParser(usage=__doc__)
    options.add_argument("-p", dest="player")
    options.add_argument("-c", dest="count", type=int, default=1)
    options.add_argument("-l", dest="length", type=int, default=150, help="commands and scenes of a trace")
    options.add_argument("seed", type=int)
    args = options.parse_args()
    if not args.player:
        sys.stdout.write(Generator(args.seed).trace(args.length))
        return 0
    seeds = range(args.seed, args.seed + args.count)
    failed = sum(play(args.player, seeds[i:i + AT_ONCE], args.length) for i in range(0, args.count, AT_ONCE))
    print(f"{args.count - failed} passed, {failed} failed")
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
