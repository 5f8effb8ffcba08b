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

from lab import check, equal, heard, in_the_end, until

COUNT = int(os.environ.get("COUNT", "100000"))
RATE = max(50000, COUNT // 10)
FEW = 10  # of which at least one came, be the machine ever so busy


class Testpmd:
    """One port, of a virtual device. Ours to ask at its prompt."""

    def __init__(self, vdev, mode, queues=1, size=64):
        # What it has for other processes of its own; by default the machine's, by a name.
        self.folder = tempfile.TemporaryDirectory(prefix="epair-pmd-")
        self.process = subprocess.Popen(
            ["stdbuf", "-oL", "dpdk-testpmd", "-l", "0-1", "--no-huge", "-m", "128", "--no-pci", "--no-telemetry",
             "--vdev=" + vdev, "--",
             "-i", "--total-num-mbufs=8192", f"--forward-mode={mode}", f"--rxq={queues}",
             f"--txq={queues}", f"--txpkts={size}"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={**os.environ, "RUNTIME_DIRECTORY": self.folder.name})
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
        self.folder.cleanup()

    def quit(self):
        self.process.stdin.write("quit\n")
        self.process.stdin.close()
        self.process.stdout.read()
        self.process.wait()
        self.folder.cleanup()


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


def since(before, now):
    return {key: value - before.get(key, 0) for key, value in now.items() if isinstance(value, int)}


@in_the_end
def takes(cable, pmd, before=None):
    """What a has been handed, `before` apart, testpmd received, and has since it began."""
    a, _ = cable.settle()
    equal(pmd.settle()["rx-packets"], heard(since(before or {}, a)))
    return a


def gives(cable, pmd, count):
    """So many frames of a testpmd that sends, and each that it sent came."""
    until(lambda: pmd.stats()["tx-packets"] >= count, f"{count} frames of DPDK's")
    pmd.ask("stop")

    @in_the_end
    def agree():
        a, b = cable.settle()
        equal(a["opackets"] + drop(a, "queue-full") + drop(a, "limit") + drop(a, "tx-no-mbuf"),
              pmd.settle()["tx-packets"])
        equal(drop(a, "tx-bad"), 0)
        equal(b["delivered"], a["opackets"])
    agree()


def come_back(cable, pmd, queues, count):
    """So many frames to a testpmd that swaps their addresses, of flows for each of its queues:
    each way and by each queue, and both sides have counted the same."""
    first, had = cable.settle(), pmd.settle()
    flows(cable, count)

    @in_the_end
    def agree():
        stats = since(had, pmd.settle())
        a, b = (since(*both) for both in zip(first, cable.settle()))
        equal(stats["rx-packets"], heard(a))
        equal(a["opackets"] + drop(a, "limit") + drop(a, "tx-no-mbuf") + drop(a, "queue-full"),
              stats["tx-packets"])
        equal(drop(a, "tx-bad"), 0)
        equal(b["ipackets"], a["opackets"])
        return a["opackets"]
    came = agree()
    print(f"# {came} of {count} frames there and back by {queues} queues")
    check(came > count // FEW, cable.stats("a"))
    for way in ("rx", "tx"):
        used = pmd.queues(way)
        equal(sorted(used), list(range(queues)))
        check(all(used.values()), way, used)
