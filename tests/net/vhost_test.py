#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""DPDK's virtio_user on our vhost-user back end: every frame is counted by both.

     source, sink       cable        vhost        testpmd
    +------------+  +-----------+  shared  +----------------------+
    |     b      |==| b       a |==========| net_virtio_user0     |
    +------------+  +-----------+  memory  | rxonly/txonly/macswap|
                                           +----------------------+

testpmd.py says how they are counted. DPDK's memory is not sealed, so all of this
is under the guard of SIGBUS.
"""
import atexit
import glob
import os
import shutil
import tempfile

import lab
from lab import Cable, check, equal, heard, until
from testpmd import COUNT, FEW, Testpmd, come_back, drop, flows, gives, source, takes

FOLDER = ""
SOCKET = ""
LENGTHS = (64, 1514, 2048, 2049, 9000)


def pmd_on(mode, queues=1, more=""):
    return Testpmd(f"net_virtio_user0,path={SOCKET},queues={queues}{more}", mode, queues)


def start(mode, queues=1, role="server", b="-"):
    """Ours with that mode, testpmd with the other; connected."""
    cable = Cable("-", b, "-m", "9000", "-q", str(queues))
    if role == "server":
        cable.ask("attach a vhost:path=" + SOCKET)
        until(lambda: os.path.exists(SOCKET), "a path to connect to")
        pmd = pmd_on(mode, queues)
    else:
        cable.ask(f"attach a vhost:path={SOCKET},mode=client,reconnect=20ms")
        pmd = pmd_on(mode, queues, ",server=1")
    pmd.ask("start")
    runs(cable, queues)
    return cable, pmd


def runs(cable, queues=1):
    cable.await_event(f"attachment .* guest runs with {queues} queues?")


def end(cable, pmd):
    pmd.quit()
    cable.await_event("attachment .* front end closed")
    cable.close()
    if os.path.exists(SOCKET):
        os.unlink(SOCKET)


def sends(queues):
    cable, pmd = start("rxonly", queues)
    a, _ = flows(cable, COUNT) if queues > 1 else source(cable, COUNT)
    equal(a["delivered"], COUNT)
    check(heard(takes(cable, pmd)) > COUNT // FEW, a)
    end(cable, pmd)


def receives(queues):
    cable, pmd = start("txonly", queues, b="sink")
    gives(cable, pmd, COUNT)
    end(cable, pmd)


def guest_is_held_back_while_the_cable_is_full():
    """What it could not send, DPDK gave up before its ring: then it is none of ours."""
    cable, pmd = start("txonly", b="sink")
    pmd.ask("stop")
    cable.settle()
    before = cable.stats("a")["opackets"], pmd.settle()["tx-packets"]
    drops = {key: value for key, value in cable.stats("a").items() if key.startswith("drop-")}
    cable.ask("set a full wait")
    cable.ask("set a link rate 10mbit limit 20")
    pmd.ask("start")
    until(lambda: pmd.stats()["tx-packets"] >= before[1] + 5000, "5000 frames of DPDK's")
    pmd.ask("stop")
    sent = pmd.settle()["tx-packets"] - before[1]
    until(lambda: cable.stats("a")["opackets"] - before[0] == sent, "all of its frames")
    a, _ = cable.settle()
    equal({key: value for key, value in a.items() if key.startswith("drop-")}, drops)
    check(a["waits"] > 10, a)
    end(cable, pmd)


def begun_again(cable, pmd, mode, queues=1):
    """It is killed, and another comes in its place."""
    cable.events.clear()
    pmd.kill()
    cable.await_event("attachment .* front end closed")
    a, _ = source(cable, 100)
    check(drop(a, "rx-stack-down") >= 100, a)
    pmd = pmd_on(mode, queues)
    pmd.ask("start")
    runs(cable, queues)
    return pmd


def it_is_sent_each_frame():
    sends(1)


def it_is_sent_each_frame_by_four_queues():
    sends(4)


def each_of_its_frames_is_received():
    receives(1)


def four_queues_both_ways_while_it_is_killed_and_comes_back():
    cable, pmd = start("macswap", 4)
    come_back(cable, pmd, 4, COUNT // 2)
    pmd = begun_again(cable, pmd, "macswap", 4)
    come_back(cable, pmd, 4, COUNT // 2)
    end(cable, pmd)


def frames_of_64_to_9000_octets_come_back():
    cable, pmd = start("macswap")
    first, octets = cable.settle(), 0
    for length in 2 * LENGTHS:
        # As many as its ring has room for, of whatever length: then none can be lost.
        frames = cable.stats("b")["ipackets"] + 40
        source(cable, 40, rate=2000, size=length)
        octets += 40 * length
        cable.await_stat("b", ipackets=frames, delivered=frames)
    for before, after in zip(first, cable.settle()):
        equal(after["obytes"] - before["obytes"], octets)
    end(cable, pmd)


def it_is_killed_and_comes_back():
    cable, pmd = start("rxonly")
    for _ in range(3):
        before = cable.stats("a")
        source(cable, 5000)
        takes(cable, pmd, before)
        pmd = begun_again(cable, pmd, "rxonly")
    end(cable, pmd)


def we_leave_and_come_back_to_four_queues():
    """It is the server, and keeps its rings meanwhile."""
    cable, pmd = start("macswap", 4, role="client")
    for _ in range(3):
        come_back(cable, pmd, 4, COUNT // 10)
        cable.ask("detach a")
        cable.events.clear()
        cable.ask(f"attach a vhost:path={SOCKET},mode=client,reconnect=20ms")
        runs(cable, 4)
    end(cable, pmd)


if __name__ == "__main__":
    if not glob.glob("/usr/lib/*/dpdk/*/librte_net_virtio.so*"):
        lab.skip("there is no DPDK with net_virtio")
    if os.environ.get("LAB") == "in":
        FOLDER = tempfile.mkdtemp(prefix="epair-vhost-")
        SOCKET = FOLDER + "/s"
        atexit.register(shutil.rmtree, FOLDER)
    lab.main([
        it_is_sent_each_frame,
        it_is_sent_each_frame_by_four_queues,
        each_of_its_frames_is_received,
        guest_is_held_back_while_the_cable_is_full,
        four_queues_both_ways_while_it_is_killed_and_comes_back,
        frames_of_64_to_9000_octets_come_back,
        it_is_killed_and_comes_back,
        we_leave_and_come_back_to_four_queues,
    ], needs=("dpdk-testpmd",))
