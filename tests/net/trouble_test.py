#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""TCP over trouble: what a cable does to frames, two Linux stacks mend.

    red  sender      --link of a: delay, loss, ...-->      blue  receiver
    +---------+   TAP    +-----------------+  TAP   +---------+
    | epair0a |==========| a  cable  b     |========| epair0b |
    +---------+          +-----------------+        +---------+

A transfer arrives with the right checksum whatever happens to its frames, and
its speed is what Mathis et al. say of the loss: MSS / RTT * sqrt(3/2 / p), within
a factor of two. `trouble_test.py CABLE long` is what doc/performance.md has the
figures of: 64 MB by each algorithm, and the curve; and, on a machine with nothing
else to do, what a delay of 50 ms leaves of the throughput, and that 1 Gb/s is held
within 1 %.
"""
import json
import math
import statistics
import sys
import time

import lab
from lab import Cable, Netns, check, equal

LONG = "long" in sys.argv
MSS = 1448  # with timestamps

# Reads its own standard input no further than it is told to.
RECEIVE = """
import hashlib, socket, sys, time
server = socket.create_server(("", 5000))
print("ready", flush=True)
conn, _ = server.accept()
whole, count, first, last = hashlib.sha256(), 0, None, 0
skip = float(sys.argv[1])
while data := conn.recv(1 << 20):
    whole.update(data)
    last = time.monotonic()
    first = first or last
    if last - first >= skip:
        count += len(data)
conn.shutdown(socket.SHUT_RDWR)
print(whole.hexdigest(), count / max(last - first - skip, 1e-9))
"""

SEND = """
import hashlib, random, socket, struct, sys, time
algorithm, size, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
conn = socket.socket()
conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, algorithm.encode())
conn.connect(("10.0.0.2", 5000))
chunk, whole, sent = random.Random(1).randbytes(1 << 20), hashlib.sha256(), 0
rtts = []
end = time.monotonic() + seconds
while sent < size and time.monotonic() < end:
    piece = memoryview(chunk)[:min(65536, size - sent)]
    conn.sendall(piece)
    whole.update(piece)
    sent += len(piece)
    rtts.append(struct.unpack_from("I", conn.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 72),
                                   68)[0])
    chunk = chunk[4099:] + chunk[:4099]
conn.shutdown(socket.SHUT_WR)
conn.recv(1)
print(whole.hexdigest(), sum(rtts) / len(rtts) / 1e6)
"""


# 43 datagrams with each call, which the kernel hands over as one frame.
FLOOD = """
import socket
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.setsockopt(socket.IPPROTO_UDP, 103, 1448)  # UDP_SEGMENT
sock.connect(("10.0.0.2", 5000))
while True:
    sock.send(bytes(43 * 1448))
"""

SWALLOW = """
import socket, time
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind(("", 5000))
time.sleep(3600)
"""


class Way:
    """Two namespaces, a cable with a link, and a transfer over it."""

    def __init__(self, name, link, full="drop", options=()):
        self.red, self.blue = Netns("red" + name), Netns("blue" + name)
        self.cable = Cable(f"tap:netns=red{name},addr=10.0.0.1/24",
                           f"tap:netns=blue{name},addr=10.0.0.2/24", *options)
        self.cable.ask(f"set a link {link}")
        self.cable.ask(f"set a full {full}")

    def start(self, algorithm, size, seconds=600, skip=0):
        self.receiver = self.blue.start(sys.executable, "-c", RECEIVE, str(skip), stdout=-1,
                                        text=True)
        equal(self.receiver.stdout.readline(), "ready\n")
        self.sender = self.red.start(sys.executable, "-c", SEND, algorithm, str(size),
                                     str(seconds), stdout=-1, text=True)

    def end(self):
        """The receiver's octets a second and the round trip; what both hashed is the same."""
        sent, self.rtt = self.sender.communicate(timeout=600)[0].split()
        received, rate = self.receiver.communicate(timeout=60)[0].split()
        equal(received, sent, "the checksum")
        self.rtt = float(self.rtt)
        return float(rate)

    def close(self):
        """Every frame, or segment of one, is accounted for. The reasons of what was not."""
        a, b = self.cable.settle()
        equal(a["opackets"] + a["link-duplicated"], b["ipackets"] + a["link-dropped"])
        equal(b["ipackets"], lab.received(b))
        drops = self.cable.drops("a")
        self.cable.close()
        self.red.delete()
        self.blue.delete()
        return drops


def arrive(algorithms, reorder):
    """At once, each over a cable of its own."""
    size = 64 << 20
    ways = {name: Way(name, f"delay 20ms {reorder} loss 1% duplicate 1%") for name in algorithms}
    for name, way in ways.items():
        way.start(name, size)
    for name, way in ways.items():
        rate = way.end()
        drops = way.close()
        print(f"# {name}, {reorder}: {size >> 20} MiB at {rate / 1e6:.1f} MB/s, {drops}")
        check(drops.get("loss", 0) > 0, drops)


def sixty_four_megabytes_arrive_over_loss_delay_reordering_and_duplication():
    """Frames overtake by jitter: one that `reorder` sent ahead would tell BBR of no delay."""
    arrive(["bbr"], "1ms distribution normal")
    if LONG:
        arrive(["bbr", "cubic", "reno"], "reorder 1% 25% gap 5")


def loss_slows_tcp_down_as_mathis_says():
    losses = (0.25, 0.5, 1, 2, 4) if LONG else (1,)
    seconds = 20 if LONG else 6
    for loss in losses:
        ways = {name: Way(name, f"delay 20ms loss {loss}%") for name in ("cubic", "reno")}
        for name, way in ways.items():
            way.start(name, 1 << 40, seconds, skip=1)
        for name, way in ways.items():
            rate = way.end()
            way.close()
            # 20 ms, and what the machine takes in between: others use it too.
            want = MSS / way.rtt * math.sqrt(1.5 / (loss / 100))
            print(f"# {name}, loss {loss} %, {way.rtt * 1e3:.1f} ms: {rate / 1e6:.2f} MB/s, "
                  f"Mathis {want / 1e6:.2f}, {rate / want:.2f} x")
            check(want / 2 <= rate <= want * 2, name, loss, rate, want)


def tap_is_not_read_while_the_cable_is_full():
    """Then the kernel's queue before the TAP fills, and nothing else loses a frame."""
    way = Way("", "rate 20mbit limit 50", "wait")
    way.red.run("iperf3", "--version")
    server = way.blue.serves_iperf3()
    way.red.run("iperf3", "-u", "-b", "200M", "-l", "1400", "-c", "10.0.0.2", "-t", "1")
    server.wait()
    stats = way.cable.settle()[0]
    drops = way.close()
    equal(set(drops), {"tap-ring"}, "reasons")
    check(stats["waits"] > 10, stats)


def iperf3(link, words, options):
    """Gb/s of TCP by CUBIC, with a window and queues that never end; without the start,
    which takes a dozen round trips."""
    way = Way("", link, options=options)
    way.cable.ask("set b queue-limit 100000")
    for netns, dev in (way.red, "epair0a"), (way.blue, "epair0b"):
        netns.run("sysctl", "-qw", "net.ipv4.tcp_congestion_control=cubic",
                  "net.ipv4.tcp_wmem=4096 65536 1073741824",
                  "net.ipv4.tcp_rmem=4096 131072 1073741824")
        netns.ip("link", "set", dev, "txqueuelen", "20000")
    server = way.blue.serves_iperf3()
    text = way.red.run("iperf3", "-J", "-c", "10.0.0.2", "-t", "6", "-O", "7", *words, timeout=60)
    server.wait()
    way.close()
    return json.loads(text)["end"]["sum_received"]["bits_per_second"] / 1e9


def delay_costs_memory_and_not_throughput():
    """At 10 Gb/s nothing. At full speed all that is held comes from memory, not from a
    cache: one worker that reads and writes then has 0.8 of its 25 Gb/s, a worker for each
    end all of their 21."""
    apart = ("-a", "-w", "2")
    for words, options, least in (("-b", "10G"), (), 0.99), ((), (), 0.7), ((), apart, 0.9):
        rates = [(iperf3("none", words, options), iperf3("delay 50ms", words, options))
                 for _ in range(1 if words else 3)]
        for none, delayed in rates:
            print(f"# TCP {' '.join(words + options)}: {none:.2f} Gb/s, over 50 ms {delayed:.2f}: "
                  f"{delayed / none:.2f} x")
        ratio = statistics.median(delayed / none for none, delayed in rates)
        check(ratio >= least, words, options, ratio)


def one_gigabit_is_held_for_udp():
    way = Way("", "rate 1gbit")
    swallow = way.blue.start(sys.executable, "-c", SWALLOW)
    lab.until(lambda: ":5000" in way.blue.run("ss", "-Hlnu"), "somebody to listen")
    flood = way.red.start(sys.executable, "-c", FLOOD)
    lab.until(lambda: way.cable.stats("b")["ipackets"] > 10000, "the flood")
    first, at = way.cable.stats("b")["ibytes"], time.monotonic()
    time.sleep(4)
    rate = (way.cable.stats("b")["ibytes"] - first) * 8 / (time.monotonic() - at)
    for process in flood, swallow:
        process.kill()
        process.wait()
    drops = way.close()
    print(f"# 1 Gb/s: {rate / 1e9:.4f} Gb/s of frames, {drops}")
    check(abs(rate - 1e9) <= 0.01 * 1e9, rate)


tests = [sixty_four_megabytes_arrive_over_loss_delay_reordering_and_duplication,
         loss_slows_tcp_down_as_mathis_says, tap_is_not_read_while_the_cable_is_full]
if LONG:
    tests += [delay_costs_memory_and_not_throughput, one_gigabit_is_held_for_udp]
lab.main(tests, needs=("iperf3", "ss"))
