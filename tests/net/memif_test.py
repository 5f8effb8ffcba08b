#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""DPDK's testpmd on our memif, in both roles: every frame is counted by both.

     source, sink       cable        memif        testpmd
    +------------+  +-----------+  shared  +---------------------+
    |     b      |==| b       a |==========| net_memif0          |
    +------------+  +-----------+  memory  | rxonly/txonly/macswap|
                                           +---------------------+

testpmd.py says how they are counted.
"""
import atexit
import glob
import os
import shutil
import tempfile

import lab
from lab import Cable, check, equal, heard, until
from testpmd import COUNT, FEW, Testpmd, come_back, drop, gives, source, takes

FOLDER = ""
SOCKET = ""
LENGTHS = (64, 1514, 2048, 2049, 9000)


def pmd_as(role, mode, queues=1, size=64, **keys):
    vdev = {"role": role, "id": 0, "socket": SOCKET, "socket-abstract": "no", **keys}
    return Testpmd("net_memif0," + ",".join(f"{k}={v}" for k, v in vdev.items()), mode, queues,
                   size)


def other(role):
    return "client" if role == "server" else "server"


def start(role, mode, queues=1, size=64):
    """Ours with that role, testpmd with the other; connected."""
    if os.path.exists(SOCKET):
        os.unlink(SOCKET)
    cable = Cable("-", "-", "-m", "9000", "-q", str(queues))
    spec = f"memif:path={SOCKET},role={role}"
    if role == "server":
        cable.ask("attach a " + spec)
    pmd = pmd_as(other(role), mode, queues, size)
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


def to_dpdk(role, queues):
    cable, pmd = start(role, "rxonly", queues)
    pmd.ask("start")
    a, _ = source(cable, COUNT)
    equal(a["delivered"], COUNT)
    check(heard(takes(cable, pmd)) > COUNT // FEW, a)
    end(cable, pmd)


def from_dpdk(role, queues):
    cable, pmd = start(role, "txonly", queues)
    cable.ask("attach b sink")
    pmd.ask("start")
    gives(cable, pmd, COUNT)
    end(cable, pmd)


def dpdk_is_held_back_while_the_cable_is_full():
    """What there is no room for stays in the ring, and DPDK sends no more than that holds."""
    for role in "client", "server":
        cable, pmd = start(role, "txonly")
        cable.ask("attach b sink")
        cable.ask("set a full wait")
        cable.ask("set a link rate 100mbit limit 20")
        pmd.ask("start")
        until(lambda cable=cable: cable.stats("b")["ipackets"] > 20000, "20000 frames of DPDK's")
        pmd.ask("stop")
        sent = pmd.settle()["tx-packets"]
        until(lambda cable=cable, sent=sent: cable.stats("b")["delivered"] == sent, "all of them")
        a, _ = cable.settle()
        equal(cable.drops("a"), {})
        equal(a["opackets"], sent)
        check(a["waits"] > 10, a)
        end(cable, pmd)


def begun_again(cable, pmd, role, mode, queues=1):
    """It is killed, and another comes in its place."""
    cable.events.clear()
    pmd.kill()
    cable.await_event("attachment .* peer closed")
    if role == "client":
        a, _ = source(cable, 100)
        check(drop(a, "rx-stack-down") >= 100, a)
        if os.path.exists(SOCKET):
            os.unlink(SOCKET)
    cable.events.clear()
    pmd = pmd_as(other(role), mode, queues)
    cable.await_event("attachment .* connected to .*DPDK.*")
    pmd.await_link()
    pmd.ask("start")
    return pmd


def both_ways(role, queues):
    """And testpmd is killed in between."""
    cable, pmd = start(role, "macswap", queues)
    pmd.ask("start")
    come_back(cable, pmd, queues, COUNT // 2)
    pmd = begun_again(cable, pmd, role, "macswap", queues)
    come_back(cable, pmd, queues, COUNT // 2)
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


def killed(role):
    cable, pmd = start(role, "rxonly")
    pmd.ask("start")
    for _ in range(3):
        before = cable.stats("a")
        source(cable, 5000)
        takes(cable, pmd, before)
        pmd = begun_again(cable, pmd, role, "rxonly")
    end(cable, pmd)


def dpdk_that_was_killed_is_found_again():
    killed("client")


def dpdk_that_was_killed_may_come_back_to_our_server():
    killed("server")


def our_client_may_leave_and_come_back_with_four_queues():
    cable, pmd = start("client", "macswap", 4)
    for _ in range(3):
        pmd.ask("start")
        come_back(cable, pmd, 4, COUNT // 10)
        # DPDK 22.11 looks into rings that it has just unmapped.
        pmd.ask("stop")
        cable.ask("detach a")
        cable.events.clear()
        cable.ask(f"attach a memif:path={SOCKET},reconnect=20ms")
        cable.await_event("attachment .* connected to .*DPDK.*")
        pmd.await_link()
    end(cable, pmd)


def the_secret_is_dpdks_too():
    cable = Cable("-", "-")
    cable.ask(f"attach a memif:path={SOCKET},role=server,secret=sesame")
    pmd = pmd_as("client", "rxonly", secret="wrong")
    cable.await_event("attachment .* closed: Incorrect secret")
    pmd.quit()
    pmd = pmd_as("client", "rxonly", secret="sesame")
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
        dpdk_is_held_back_while_the_cable_is_full,
        our_client_with_four_queues_both_ways,
        our_server_with_four_queues_both_ways,
        frames_of_64_to_9000_octets_come_back_to_our_client,
        frames_of_64_to_9000_octets_come_back_to_our_server,
        dpdk_that_was_killed_is_found_again,
        dpdk_that_was_killed_may_come_back_to_our_server,
        our_client_may_leave_and_come_back_with_four_queues,
        the_secret_is_dpdks_too,
    ], needs=("dpdk-testpmd",))
