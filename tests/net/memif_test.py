#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""DPDK's testpmd on our memif, in both roles: every frame is counted by both.

     source, sink       cable        memif        testpmd
    +------------+  +-----------+  shared  +---------------------+
    |     b      |==| b       a |==========| net_memif0          |
    +------------+  +-----------+  memory  | rxonly/txonly/macswap|
                                           +---------------------+

COUNT frames each way; `COUNT=1000000 meson test net-memif` by hand. How many of
them the other side is quick enough to take is the machine's affair, so what is
compared is what each says that it had.
"""
import atexit
import glob
import os
import re
import shutil
import struct
import subprocess
import tempfile

import lab
from lab import Cable, check, equal, until

COUNT = int(os.environ.get("COUNT", "100000"))
RATE = max(50000, COUNT // 10)
FOLDER = ""
SOCKET = ""
LENGTHS = (64, 1514, 2048, 2049, 9000)


class Testpmd:
    """One port, net_memif0. Ours to ask at its prompt."""

    number = 0

    def __init__(self, role, mode, queues=1, size=64, **keys):
        Testpmd.number += 1
        vdev = {"role": role, "id": 0, "socket": SOCKET, "socket-abstract": "no", **keys}
        self.process = subprocess.Popen(
            ["stdbuf", "-oL", "dpdk-testpmd", "-l", "0-1", "--no-huge", "-m", "128", "--no-pci", "--no-telemetry",
             f"--file-prefix=epair-{os.getpid()}-{Testpmd.number}",
             "--vdev=net_memif0," + ",".join(f"{k}={v}" for k, v in vdev.items()), "--",
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
            way + r"_q(\d+)_packets: (\d+)", self.ask("show port xstats 0"))}

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


def other(role):
    return "client" if role == "server" else "server"


def drop(stats, word):
    return stats.get("drop-" + word, 0)


def start(role, mode, queues=1, size=64):
    """Ours with that role, testpmd with the other; connected."""
    if os.path.exists(SOCKET):
        os.unlink(SOCKET)
    cable = Cable("-", "-", "-m", "9000", "-q", str(queues))
    spec = f"memif:path={SOCKET},role={role}"
    if role == "server":
        cable.ask("attach a " + spec)
    pmd = Testpmd(other(role), mode, queues, size)
    if role == "client":
        cable.ask("attach a " + spec + ",reconnect=20ms")
    cable.await_event("attachment .* connected to .*DPDK.*")
    pmd.await_link()
    return cable, pmd


def end(cable, pmd):
    pmd.quit()
    cable.close()
    if os.path.exists(SOCKET):
        os.unlink(SOCKET)


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
    path = FOLDER + "/flows.pcap"
    with open(path, "wb") as file:
        file.write(struct.pack("=IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for i in range(1000):
            ip = struct.pack("!BBHHHBBHII", 0x45, 0, 46, i, 0, 64, 253, 0, 0x0a000001 + i,
                             0x0a010001)
            frame = bytes.fromhex("0200000000010200000000020800") + ip + bytes(26)
            file.write(struct.pack("=IIII", 0, 0, len(frame), len(frame)) + frame)
    ends = send(cable, count, f"pcap:read={path},pace={RATE},loop={count // 1000}")
    os.unlink(path)
    return ends


def heard(a):
    """What our end has been handed and did not drop."""
    return a["delivered"] - sum(v for k, v in a.items() if k.startswith("drop-rx-stack"))


def to_dpdk(role, queues):
    cable, pmd = start(role, "rxonly", queues)
    pmd.ask("start")
    a, _ = source(cable, COUNT)
    equal(a["delivered"], COUNT)
    equal(pmd.settle()["rx-packets"], heard(a))
    check(heard(a) > COUNT // 2, a)
    end(cable, pmd)


def from_dpdk(role, queues):
    cable, pmd = start(role, "txonly", queues)
    cable.ask("attach b sink")
    pmd.ask("start")
    until(lambda: pmd.stats()["tx-packets"] >= COUNT, f"{COUNT} frames of DPDK's")
    pmd.ask("stop")
    sent = pmd.settle()["tx-packets"]
    a, b = cable.settle()
    equal(a["opackets"] + drop(a, "queue-full") + drop(a, "limit") + drop(a, "tx-no-mbuf"), sent)
    equal(drop(a, "tx-bad"), 0)
    equal(b["delivered"], a["opackets"])
    end(cable, pmd)


def both_ways(role, queues):
    cable, pmd = start(role, "macswap", queues)
    pmd.ask("start")
    flows(cable, COUNT)
    stats = pmd.settle()
    a, b = cable.settle()
    for way in ("rx", "tx"):
        used = pmd.queues(way)
        equal(sorted(used), list(range(queues)))
        check(all(used.values()), way, used)
    equal(stats["rx-packets"], heard(a))
    equal(a["opackets"] + drop(a, "limit") + drop(a, "tx-no-mbuf") + drop(a, "queue-full"),
          stats["tx-packets"])
    check(a["opackets"] > COUNT // 2, a, stats)
    equal(b["ipackets"], a["opackets"])
    end(cable, pmd)


def lengths(role):
    cable, pmd = start(role, "macswap")
    pmd.ask("start")
    # DPDK offers no buffers before its core has begun to look.
    until(lambda: source(cable, 1)[1]["ipackets"], "a frame to come back")
    first = cable.settle()
    octets = 0
    for length in LENGTHS:
        frames = cable.stats("b")["ipackets"] + 200
        source(cable, 200, rate=2000, size=length)
        octets += 200 * length
        cable.await_stat("b", ipackets=frames, delivered=frames)
    now = cable.settle()
    for before, after in zip(first, now):
        equal(after["obytes"] - before["obytes"], octets)
    equal(drop(now[0], "rx-stack-full"), drop(first[0], "rx-stack-full"))
    end(cable, pmd)


def our_client_sends_and_each_frame_is_counted():
    to_dpdk("client", 1)


def our_server_sends_and_each_frame_is_counted():
    to_dpdk("server", 1)


def our_client_receives_and_each_frame_is_counted():
    from_dpdk("client", 1)


def our_server_receives_and_each_frame_is_counted():
    from_dpdk("server", 1)


def our_client_with_four_queues_both_ways():
    both_ways("client", 4)


def our_server_with_four_queues_both_ways():
    both_ways("server", 4)


def frames_of_64_to_9000_octets_come_back_to_our_client():
    lengths("client")


def frames_of_64_to_9000_octets_come_back_to_our_server():
    lengths("server")


def dpdk_that_was_killed_is_found_again():
    cable, pmd = start("client", "rxonly")
    for _ in range(3):
        pmd.ask("start")
        before = heard(cable.stats("a"))
        a, _ = source(cable, 5000)
        equal(pmd.settle()["rx-packets"], heard(a) - before)
        cable.events.clear()
        pmd.kill()
        cable.await_event("attachment .* peer closed")
        a, _ = source(cable, 100)
        check(drop(a, "rx-stack-down") >= 100, a)
        if os.path.exists(SOCKET):
            os.unlink(SOCKET)
        cable.events.clear()
        pmd = Testpmd("server", "rxonly")
        cable.await_event("attachment .* connected to .*DPDK.*")
        pmd.await_link()
    end(cable, pmd)


def dpdk_that_was_killed_may_come_back_to_our_server():
    cable, pmd = start("server", "rxonly")
    for _ in range(3):
        pmd.ask("start")
        before = heard(cable.stats("a"))
        a, _ = source(cable, 5000)
        equal(pmd.settle()["rx-packets"], heard(a) - before)
        cable.events.clear()
        pmd.kill()
        cable.await_event("attachment .* peer closed")
        pmd = Testpmd("client", "rxonly")
        cable.await_event("attachment .* connected to .*DPDK.*")
        pmd.await_link()
    end(cable, pmd)


def our_client_may_leave_and_come_back():
    cable, pmd = start("client", "macswap")
    pmd.ask("start")
    for _ in range(5):
        before = cable.stats("a")["opackets"]
        source(cable, 1000, rate=20000)
        a, _ = cable.settle()
        check(a["opackets"] - before > 500, a)
        cable.ask("detach a")
        cable.events.clear()
        cable.ask(f"attach a memif:path={SOCKET},reconnect=20ms")
        cable.await_event("attachment .* connected to .*DPDK.*")
        pmd.await_link()
    end(cable, pmd)


def the_secret_is_dpdks_too():
    cable = Cable("-", "-")
    cable.ask(f"attach a memif:path={SOCKET},role=server,secret=sesame")
    pmd = Testpmd("client", "rxonly", secret="wrong")
    cable.await_event("attachment .* closed: Incorrect secret")
    pmd.quit()
    pmd = Testpmd("client", "rxonly", secret="sesame")
    cable.await_event("attachment .* connected to .*DPDK.*")
    pmd.await_link()
    end(cable, pmd)


if __name__ == "__main__":
    if not glob.glob("/usr/lib/*/dpdk/*/librte_net_memif.so*"):
        lab.skip("there is no DPDK with net_memif")
    if os.environ.get("LAB") == "in":
        FOLDER = tempfile.mkdtemp(prefix="epair-memif-")
        SOCKET = FOLDER + "/s"
        atexit.register(shutil.rmtree, FOLDER)
    lab.main([
        our_client_sends_and_each_frame_is_counted,
        our_server_sends_and_each_frame_is_counted,
        our_client_receives_and_each_frame_is_counted,
        our_server_receives_and_each_frame_is_counted,
        our_client_with_four_queues_both_ways,
        our_server_with_four_queues_both_ways,
        frames_of_64_to_9000_octets_come_back_to_our_client,
        frames_of_64_to_9000_octets_come_back_to_our_server,
        dpdk_that_was_killed_is_found_again,
        dpdk_that_was_killed_may_come_back_to_our_server,
        our_client_may_leave_and_come_back,
        the_secret_is_dpdks_too,
    ], needs=("dpdk-testpmd",))
