# SPDX-License-Identifier: BSD-2-Clause
"""DPDK's testpmd with one port, as a peer; and frames to be counted by both.

COUNT frames each way; `COUNT=1000000 meson test net-memif net-vhost` by hand. How
many of them the other side is quick enough to take is the machine's affair, so what
is compared is what each says that it had.
"""
import os
import re
import struct
import subprocess
import tempfile

from lab import check, until

COUNT = int(os.environ.get("COUNT", "100000"))
RATE = max(50000, COUNT // 10)


class Testpmd:
    """One port, of a virtual device. Ours to ask at its prompt."""

    number = 0

    def __init__(self, vdev, mode, queues=1, size=64):
        Testpmd.number += 1
        self.process = subprocess.Popen(
            ["stdbuf", "-oL", "dpdk-testpmd", "-l", "0-1", "--no-huge", "-m", "128", "--no-pci", "--no-telemetry",
             f"--file-prefix=epair-{os.getpid()}-{Testpmd.number}",
             "--vdev=" + vdev, "--",
             "-i", "--total-num-mbufs=8192", f"--forward-mode={mode}", f"--rxq={queues}",
             f"--txq={queues}", f"--txpkts={size}"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.ask("")

    def ask(self, line):
        """What it says to that, and then its counters: so the end of it is known."""
        self.process.stdin.write(f"{line}\nshow port stats 0\n")
        self.process.stdin.flush()
        text = line = ""
        while "Tx-pps:" not in line:
            line = self.process.stdout.readline()
            check(line, "testpmd ended:", text[-2000:])
            text += line
        return text

    def stats(self):
        return {key.lower(): int(value)
                for key, value in re.findall(r"([RT]X-[a-z]+): *(\d+)", self.ask(""))}

    def queues(self, way):
        """Frames by queue, `rx` or `tx`."""
        return {int(queue): int(count) for queue, count in re.findall(
            way + r"_q(\d+)_(?:good_)?packets: (\d+)", self.ask("show port xstats 0"))}

    def await_link(self):
        until(lambda: "Link status: up" in self.ask("show port info 0"), "DPDK's link to be up")

    def settle(self):
        """Its counters, when they move no more."""
        last = None

        def still():
            nonlocal last
            now = self.stats()
            same, last = now == last, now
            return same
        until(still, "testpmd to fall silent")
        return last

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def quit(self):
        self.process.stdin.write("quit\n")
        self.process.stdin.close()
        self.process.stdout.read()
        self.process.wait()


def drop(stats, word):
    return stats.get("drop-" + word, 0)


def send(cable, count, kind):
    """So many frames from b, and what has become of them."""
    before = cable.stats("b")["opackets"]
    cable.ask("attach b " + kind)
    cable.await_stat("b", opackets=before + count)
    ends = cable.settle()
    cable.ask("detach b")
    return ends


def source(cable, count, rate=RATE, size=60):
    return send(cable, count, f"source:count={count},rate={rate},size={size}")


def flows(cable, count):
    """The same from a thousand addresses, so that every bucket has some."""
    with tempfile.NamedTemporaryFile(suffix=".pcap") as file:
        file.write(struct.pack("=IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for i in range(1000):
            ip = struct.pack("!BBHHHBBHII", 0x45, 0, 46, i, 0, 64, 253, 0, 0x0a000001 + i,
                             0x0a010001)
            frame = bytes.fromhex("0200000000010200000000020800") + ip + bytes(26)
            file.write(struct.pack("=IIII", 0, 0, len(frame), len(frame)) + frame)
        file.flush()
        return send(cable, count, f"pcap:read={file.name},pace={RATE},loop={count // 1000}")
