#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Virtual machines on a cable, by QEMU's netdevs stream and dgram (uml_test.py has packets).

     red                                            guest (TCG)
    +---------+   TAP    +-----------------+  socket +------------+
    | epair0a |==========| a  cable  b     |---------| virtio-net |
    +---------+          +-----------------+         +------------+
    10.0.0.1/24                                      10.0.0.2/24
"""
import os
import signal
import subprocess
import sys

import guest
import lab
from guest import has_carrier, moves_files, pinging
from lab import Cable, Netns, check, equal

RED = "tap:netns=red,addr=10.0.0.1/24"
BLUE = "tap:netns=blue,addr=10.0.0.2/24"


def hub_carries(make_netdevs, specs):
    """Two cables joined by a QEMU without a machine: red pings blue through it, and again
    after it was killed and started anew while the cables stayed."""
    red, blue = Netns("red"), Netns("blue")
    first, second = Cable(specs[0], RED), Cable(specs[1], BLUE)
    for _ in range(2):
        for cable in first, second:
            cable.events.clear()
        qemu = guest.hub(*make_netdevs)
        first.await_event("attachment epair0a connected to .*")
        second.await_event("attachment epair0a connected to .*")
        red.reaches("10.0.0.2")
        red.loses_none("10.0.0.2", 200, "-i", "0.002", "-s", "1400")
        qemu.kill()
        qemu.wait()
        # With dgram, who sends nothing does not notice.
        red.ping("10.0.0.2", "-c", "1", "-W", "0.1", fails=True)
        blue.ping("10.0.0.1", "-c", "1", "-W", "0.1", fails=True)
        first.await_event("attachment epair0a peer closed")
        second.await_event("attachment epair0a peer closed")
    first.close()
    second.close()


def stream_survives_a_qemu_that_is_killed():
    with guest.sockets() as folder:
        one, two = folder + "/1", folder + "/2"
        hub_carries((guest.stream_server(one), guest.stream_server(two)),
                    (f"qemu:path={one},reconnect=50ms", f"qemu:path={two},reconnect=50ms"))


def dgram_survives_a_qemu_that_is_killed():
    with guest.sockets() as folder:
        def netdev(i):
            return guest.dgram(f"{folder}/q{i}", f"{folder}/e{i}")

        def spec(i):
            return f"qemu:type=dgram,path={folder}/e{i},remote={folder}/q{i},reconnect=50ms"

        hub_carries((netdev(1), netdev(2)), (spec(1), spec(2)))


def tcp_and_a_qemu_that_is_the_client():
    lab.run("ip", "link", "set", "lo", "up")
    red, _ = Netns("red"), Netns("blue")
    first = Cable("qemu:mode=server,tcp=127.0.0.1:7001", RED)
    second = Cable("qemu:tcp=127.0.0.1:7002,reconnect=50ms", BLUE)
    qemu = guest.hub("stream,server=off,addr.type=inet,addr.host=127.0.0.1,addr.port=7001",
                     "stream,server=on,addr.type=inet,addr.host=127.0.0.1,addr.port=7002")
    first.await_event("attachment epair0a client connected")
    second.await_event("attachment epair0a connected to .*")
    red.reaches("10.0.0.2")
    red.loses_none("10.0.0.2", 200, "-i", "0.002")
    qemu.kill()
    qemu.wait()
    first.close()
    second.close()


def guest_by_stream_moves_files_and_follows_the_link():
    """The guest is killed and another started, and the cable stays."""
    with guest.sockets() as folder:
        red = Netns("red")
        netdev = guest.stream_server(folder + "/vm")
        monitor = ("-qmp", f"unix:{folder}/qmp,server=on,wait=off")
        cable = Cable(RED, f"qemu:path={folder}/vm,reconnect=50ms,qmp={folder}/qmp,netdev=n")
        with pinging(red, "10.0.0.2"):
            with guest.Qemu(netdev, more=monitor) as machine:
                machine.booted()
                machine.loses_none("10.0.0.1", "-c 20 -i 0.05 -s 1400")
                moves_files(machine, red)
            machine = guest.Qemu(netdev, more=monitor).booted()
            machine.loses_none("10.0.0.1", "-c 5 -i 0.05")
        with machine:
            cable.ask("set b carrier follow")
            for _ in range(3):
                cable.ask("set a down")
                has_carrier(machine, "0")
                cable.ask("set a up")
                has_carrier(machine, "1")
            machine.loses_none("10.0.0.1", "-c 5 -i 0.05")
        cable.settle()
        for end in "ab":
            check("tx-bad" not in cable.drops(end), cable.drops(end))
        cable.close()


def epair_run_joins_a_guest_by_stream_and_one_by_dgram():
    """The tool itself. One pings while the other is killed and started again."""
    with guest.sockets() as folder:
        stream, ours, theirs = folder + "/s", folder + "/e", folder + "/q"
        ready, ready_out = os.pipe()
        tool = subprocess.Popen(
            [os.environ["EPAIR"], "-j", "run", f"qemu:path={stream},reconnect=50ms",
             f"qemu:type=dgram,path={ours},remote={theirs},reconnect=50ms",
             "--ready-fd", str(ready_out)],
            pass_fds=[ready_out], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        os.close(ready_out)
        check(os.read(ready, 10), "epair run did not come up")
        os.close(ready)
        with guest.Qemu(guest.stream_server(stream), "10.0.0.1/24", "52:54:00:00:00:01") as left:
            with guest.Qemu(guest.dgram(theirs, ours)) as right:
                left.booted()
                right.booted()
                left.run("ping 10.0.0.2 >/tmp/pings & :")
                right.loses_none("10.0.0.1", "-c 20 -i 0.05 -s 1400")
                digest = left.offer(4)
                got = right.run(f"wget -q -O - http://10.0.0.1{guest.OFFERED} | sha256sum", seconds=60)
                equal(got.split()[0], digest, "the other guest's checksum")
            with guest.Qemu(guest.dgram(theirs, ours)) as right:
                right.booted()
                right.loses_none("10.0.0.1", "-c 20 -i 0.05 -s 1400")
                before = answers(left)
                lab.until(lambda: answers(left) > before, "an answer to the ping that began before")
        tool.send_signal(signal.SIGINT)
        tool.communicate(timeout=lab.SECONDS)
        equal(tool.returncode, 0)


def answers(machine):
    return machine.run("cat /tmp/pings").count("time=")


guest.prepare()
lab.main([
    stream_survives_a_qemu_that_is_killed,
    dgram_survives_a_qemu_that_is_killed,
    tcp_and_a_qemu_that_is_the_client,
    guest_by_stream_moves_files_and_follows_the_link,
    epair_run_joins_a_guest_by_stream_and_one_by_dgram,
], needs=("ping",))
