#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Virtual machines on a cable, by vhost-user.

     red                                             guest (TCG)
    +---------+   TAP    +-----------------+  shared  +------------+
    | epair0a |==========| a  cable  b     |----------| virtio-net |
    +---------+          +-----------------+  memory  +------------+
    10.0.0.1/24                                       10.0.0.2/24
"""
import guest
import lab
from guest import has_carrier, moves_files, pinging
from lab import Cable, Netns, check, equal

RED = "tap:netns=red,addr=10.0.0.1/24"
RUNS = "attachment epair0b guest runs with {} queues?"


def guest_moves_files_and_is_killed_and_started_again():
    """The other end pings all the while."""
    with guest.sockets() as folder:
        red = Netns("red")
        cable = Cable(RED, f"vhost:path={folder}/vm")
        with pinging(red, "10.0.0.2"):
            for _ in range(2):
                cable.events.clear()
                with guest.VhostQemu(folder + "/vm") as machine:
                    machine.booted()
                    machine.loses_none("10.0.0.1", "-c 20 -i 0.05 -s 1400")
                    moves_files(machine, red)
                cable.await_event("attachment epair0b front end closed")
        cable.settle()
        for end in "ab":
            check("tx-bad" not in cable.drops(end), cable.drops(end))
        cable.close()


def two_guests_and_a_segment_is_one_frame():
    with guest.sockets() as folder:
        one, two = folder + "/1", folder + "/2"
        cable = Cable(f"vhost:path={one}", f"vhost:path={two}")
        with guest.VhostQemu(one, address="10.0.0.1/24", mac="52:54:00:00:00:01") as left, \
                guest.VhostQemu(two) as right:
            left.booted()
            right.booted()
            right.loses_none("10.0.0.1", "-c 20 -i 0.05 -s 1400")
            digest = left.offer(guest.FILE_MIB)
            got = right.run(f"wget -q -O - http://10.0.0.1{guest.OFFERED} | sha256sum",
                            seconds=60 + 4 * guest.FILE_MIB)
            equal(got.split()[0], digest, "the other guest's checksum")
            a, b = cable.settle()
            check(a["obytes"] / a["opackets"] > 3000, "each segment was a frame:", a)
            for stats in a, b:
                check("drop-tx-bad" not in stats and "drop-rx-offload" not in stats, stats)
        cable.close()


def link_that_goes_down_is_the_guests_carrier():
    with guest.sockets() as folder:
        red = Netns("red")
        cable = Cable(RED, f"vhost:path={folder}/vm")
        cable.ask("set b carrier follow")
        with guest.VhostQemu(folder + "/vm", chardev=",reconnect=1") as machine:
            machine.booted()
            machine.loses_none("10.0.0.1", "-c 5 -i 0.05")
            for end in "ab":
                cable.ask(f"set {end} down")
                has_carrier(machine, "0")
                cable.ask(f"set {end} up")
                has_carrier(machine, "1")
                red.reaches("10.0.0.2")
            red.ip("link", "set", "epair0a", "down")
            has_carrier(machine, "0")
            red.ip("link", "set", "epair0a", "up")
            has_carrier(machine, "1")
            red.reaches("10.0.0.2")
        cable.close()


def guest_stays_while_we_come_and_go():
    """QEMU is the server, and its guest has two queues each way."""
    with guest.sockets() as folder:
        spec = f"vhost:path={folder}/vm,mode=client,reconnect=50ms,queues=2"
        red = Netns("red")
        cable = Cable("-q", "2", "-w", "2", RED, spec)
        with guest.VhostQemu(folder + "/vm", chardev=",server=on", netdev=",queues=2",
                             keys=",mq=on", more=("-smp", "2")) as machine:
            machine.booted()
            cable.await_event(RUNS.format(2))
            for _ in range(3):
                red.reaches("10.0.0.2")
                red.loses_none("10.0.0.2", 50, "-i", "0.002", "-s", "1400")
                cable.ask("detach b")
                has_carrier(machine, "0")
                cable.events.clear()
                cable.ask("attach b " + spec)
                cable.await_event(RUNS.format(2))
            moves_files(machine, red)
        cable.close()


guest.prepare()
lab.main([
    guest_moves_files_and_is_killed_and_started_again,
    two_guests_and_a_segment_is_one_frame,
    link_that_goes_down_is_the_guests_carrier,
    guest_stays_while_we_come_and_go,
], needs=("ping",))
