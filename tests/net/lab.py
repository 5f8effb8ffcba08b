# SPDX-License-Identifier: BSD-2-Clause
"""Network namespaces for a test, and a cable between them.

    lab.main(tests, cable=PATH)     runs functions, prints TAP, exits

A script is run with the cable's program, and may be run with keys for each TAP
that a cable is begun with: `io=syscall`. Or with the word `veth`: then each TAP
is a veth, and what is only a TAP's is left out (@lab.of_taps).

The whole test runs in namespaces of its own (mount, network, process), with a
/run/netns and a /dev/net of its own: what it makes is gone with it, two of it
can run at a time, and nothing of the machine is touched. Takes root.
"""
import functools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import traceback

SECONDS = 20  # that anything may take; conditions are waited for, not times


class Failure(Exception):
    pass


def skip(why):
    print(f"1..0 # SKIP {why}")
    sys.exit(77)


def check(what, *why):
    if not what:
        raise Failure(" ".join(str(w) for w in why) or "it is not so")


def equal(is_, should, what=""):
    check(is_ == should, f"{what}{': ' if what else ''}is", repr(is_), "and should be", repr(should))


def until(condition, what):
    """Wait until condition() is true, and give what it returned. `what` may be a function,
    of how things are in the end."""
    end = time.monotonic() + SECONDS
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failure(f"waited in vain for {what() if callable(what) else what}")
        time.sleep(0.01)


def in_the_end(claims):
    """Of what is claimed of counters on two sides: it holds in the end, and not while
    somebody has still to be given a turn. What is wrong for good stays wrong."""
    @functools.wraps(claims)
    def tried(*words, **more):
        end = time.monotonic() + SECONDS
        while True:
            try:
                return claims(*words, **more)
            except Failure:
                if time.monotonic() > end:
                    raise
    return tried


def run(*words, fails=False, timeout=SECONDS):
    done = subprocess.run(words, capture_output=True, text=True, timeout=timeout)
    if not fails:
        check(done.returncode == 0, *words, "->", done.returncode, done.stdout, done.stderr)
    return done.stdout


class Netns:
    """A namespace with a name, and no chatter of IPv6's own."""

    def __init__(self, name, quiet=True):
        self.name = name
        run("ip", "netns", "add", name)
        run("ip", "-n", name, "link", "set", "lo", "up")
        if quiet:
            for key in ("accept_ra", "accept_dad", "router_solicitations", "autoconf"):
                self.run("sysctl", "-qw", f"net.ipv6.conf.default.{key}=0")
            self.run("sysctl", "-qw", "net.ipv6.conf.default.addr_gen_mode=1")

    def run(self, *words, **more):
        return run("ip", "netns", "exec", self.name, *words, **more)

    def ip(self, *words, **more):
        return run("ip", "-n", self.name, *words, **more)

    def start(self, *words, **more):
        return subprocess.Popen(("ip", "netns", "exec", self.name, *words), **more)

    def link(self, dev):
        """What ip(8) says of a device, or None if there is none."""
        text = self.ip("-j", "-s", "link", "show", "dev", dev, fails=True)
        return json.loads(text)[0] if text.strip() else None

    def delete(self):
        run("ip", "netns", "del", self.name)

    def ping(self, address, *words, **more):
        return self.run("ping", "-q", *words, address, **more)

    def echo_replies(self):
        """Answers to pings that came, by IPv4 and IPv6."""
        names, values = re.findall(r"^Icmp: (.*)$", self.run("cat", "/proc/net/snmp"), re.MULTILINE)
        four = dict(zip(names.split(), values.split()))["InEchoReps"]
        six = re.search(r"Icmp6InEchoReplies\s+(\d+)", self.run("cat", "/proc/net/snmp6"))[1]
        return int(four) + int(six)

    def loses_none(self, address, count, *words):
        """So many pings, each answered. Not by ping's word: for its last answer it waits
        no longer than two round trips, or an interval."""
        before = self.echo_replies()
        self.ping(address, "-c", str(count), *words)
        until(lambda: self.echo_replies() - before >= count, f"all {count} answers of {address}")
        equal(self.echo_replies() - before, count, f"answers of {address}")

    def serves_iperf3(self):
        """One connection, or test of UDP. Gives the process, which listens."""
        server = self.start("iperf3", "-s", "-1", stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)
        until(lambda: ":5201" in self.run("ss", "-Hlnt"), "iperf3 to listen")
        return server

    def reaches(self, address):
        until(lambda: " 0% packet loss" in self.ping(address, "-c", "1", "-W", "1", fails=True),
              f"a ping of {address} from {self.name}")


def of_kind(text):
    return re.sub(r"\btap:", Cable.kind + ":", text)


def of_taps(test):
    """A test of what no other device has."""
    test.of_taps = True
    return test


class Cable:
    """tests/net/cable, at work."""

    program = None
    added = ""
    kind = "tap"
    more = {}  # for subprocess.Popen

    def __init__(self, a, b, *options, prefix=()):
        a, b = (of_kind(end + Cable.added) if end.startswith("tap:") else end for end in (a, b))
        self.process = subprocess.Popen((*prefix, Cable.program, *options, a, b),
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        **Cable.more)
        self.events = []
        try:
            self.answer()
        except Failure:
            self.process.stdin.close()
            self.process.wait()
            raise
        # What the first attachment said before there was a second.
        self.unheard = {end: self.stats(end).get("drop-rx-no-stack", 0) for end in "ab"}

    def line(self):
        line = self.process.stdout.readline().rstrip("\n")
        if line.startswith("event "):
            self.events.append(line[6:])
            return None
        return line

    def answer(self):
        while (line := self.line()) is None:
            pass
        check(line.startswith("ok"), line)
        return dict(pair.split("=", 1) for pair in line.split()[1:])

    def ask(self, text):
        self.process.stdin.write(of_kind(text) + "\n")
        self.process.stdin.flush()
        return self.answer()

    def stats(self, end):
        return {k: int(v) if v.isdigit() else v for k, v in self.ask(f"stats {end}").items()}

    def drops(self, end):
        """Of the time since both ends are attached."""
        drops = {k[5:]: v for k, v in self.stats(end).items() if k.startswith("drop-")}
        if drops.get("rx-no-stack") == self.unheard[end]:
            drops.pop("rx-no-stack", None)
        return drops

    def await_event(self, pattern):
        def came():
            self.ask("usage")
            return next((e for e in self.events if re.fullmatch(pattern, e)), None)
        return until(came, lambda: f"event {pattern}: {self.events}")

    def await_stat(self, end, **wanted):
        until(lambda: all(self.stats(end).get(k) == v for k, v in wanted.items()),
              lambda: f"{wanted} of {end}: {self.stats('a')} {self.stats('b')}")

    def settle(self):
        """Wait until nothing is under way any more, and give both ends' counters."""
        last = None

        def still():
            nonlocal last
            now = self.stats("a"), self.stats("b")
            same, last = now == last, now
            time.sleep(0.05)
            return same and now[0]["queued"] == now[1]["queued"] == 0
        until(still, "the cable to fall silent")
        return last

    def close(self):
        self.process.stdin.close()
        rest = self.process.stdout.read()
        check("event freed 0" in rest, "not freed:", rest)
        equal(self.process.wait(), 0)


def received(stats):
    return stats["delivered"] + sum(v for k, v in stats.items() if k.startswith("drop-rx-")
                                    and not k.startswith("drop-rx-stack"))


def heard(stats):
    """What an end has been handed and did not drop."""
    return stats["delivered"] - sum(v for k, v in stats.items() if k.startswith("drop-rx-stack"))


def at_rest(cable, ends):
    """Counters of both ends and of their devices, of a time when no frame came between."""
    found = None

    def same():
        nonlocal found
        before = [place and place[0].link(place[1])["stats64"] for place in ends]
        a, b = cable.settle()
        found = a, b, [place and place[0].link(place[1])["stats64"] for place in ends]
        return found[2] == before
    until(same, "the devices to fall silent")
    return found


@in_the_end
def check_account(cable, ends, cut=()):
    """Every frame that a device sent or was sent is counted once.

    ends: for `a` and for `b`, namespace and device, or None for what is no TAP.
    cut: the devices for which frames are cut into segments at delivery. Our
    counters count frames (contract 9.1), the device's what it was given.
    """
    a, b, counts = at_rest(cable, ends)
    for end, far, place, counted in ((a, b, ends[0], counts[0]), (b, a, ends[1], counts[1])):
        equal(end["opackets"], far["ipackets"])
        equal(far["ipackets"], received(far) + far["queued"])
        if place is None:
            continue
        dev = place[1]
        refused = sum(v for k, v in end.items() if k.startswith("drop-")
                      and not k.startswith("drop-rx-") and k != "drop-tap-ring")
        equal(counted["tx"]["packets"], end["opackets"] + refused, f"sent by {dev}")
        equal(counted["tx"]["dropped"], end.get("drop-tap-ring", 0), f"lost of {dev}")
        if dev in cut:
            check(counted["rx"]["packets"] >= heard(end), counted, end)
        else:
            equal(counted["rx"]["packets"], heard(end), f"received by {dev}")


def processes():
    """What runs in our process namespace besides us, by name."""
    names = []
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                break
        except ChildProcessError:
            break
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            name = open(f"/proc/{pid}/comm").read().strip()
            state = open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if int(pid) != os.getpid() and state != "Z":
            names.append(name)
    return names


def nothing_is_left():
    until(lambda: not processes(), f"processes to end: {processes()}")
    for name in os.listdir("/run/netns"):
        until(lambda name=name: not any("epair" in d["ifname"] for d in json.loads(
            run("ip", "-n", name, "-j", "link"))), f"devices in {name} to go")
        run("ip", "netns", "del", name)


def enter():
    """Begin again in namespaces of our own; returns there."""
    if os.environ.get("LAB") != "in":
        if os.geteuid() != 0:
            skip("takes root, to make namespaces")
        if not os.path.exists("/dev/net/tun"):
            skip("there is no /dev/net/tun")
        os.environ["LAB"] = "in"
        os.execvp("unshare", ["unshare", "--mount", "--net", "--pid", "--fork", "--mount-proc",
                              "--kill-child", "--propagation", "private", sys.executable,
                              *sys.argv])
    os.makedirs("/run/netns", exist_ok=True)
    run("mount", "-t", "tmpfs", "none", "/run/netns")
    run("mount", "-t", "tmpfs", "none", "/dev/net")
    run("mknod", "-m", "666", "/dev/net/tun", "c", "10", "200")


def need(*programs):
    for program in programs:
        if shutil.which(program) is None:
            skip(f"there is no {program}")


def main(tests, needs=()):
    need("ip", "unshare", *needs)
    enter()
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    Cable.program = sys.argv[1]
    Cable.kind = "veth" if "veth" in sys.argv[2:] else "tap"
    Cable.added = "".join("," + word for word in sys.argv[2:] if "=" in word)
    failed = 0
    print(f"1..{len(tests)}")
    for number, test in enumerate(tests, 1):
        name = test.__name__
        if Cable.kind != "tap" and hasattr(test, "of_taps"):
            print(f"ok {number} - {name} # SKIP of TAPs")
            continue
        try:
            test()
            nothing_is_left()
            print(f"ok {number} - {name}", flush=True)
        except Exception as error:  # pylint: disable=broad-except
            failed += 1
            if not isinstance(error, Failure):
                traceback.print_exc()
            print(f"not ok {number} - {name}\n# {error}", flush=True)
            for pid in filter(str.isdigit, os.listdir("/proc")):
                if int(pid) != os.getpid():
                    os.kill(int(pid), signal.SIGKILL)
            nothing_is_left()
    sys.exit(failed > 0)
