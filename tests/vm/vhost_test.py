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
from guest import lossless, moves_files
from lab import Cable, Netns, check

RED = "tap:netns=red,addr=10.0.0.1/24"


def guest_moves_files_and_is_killed_and_started_again():
    with guest.sockets() as folder:
        red = Netns("red")
        cable = Cable(RED, f"vhost:path={folder}/vm")
        for _ in range(2):
            cable.events.clear()
            with guest.VhostQemu(folder + "/vm") as machine:
                machine.booted()
                lossless(machine.run("ping -c 20 -i 0.05 -s 1400 10.0.0.1"))
                moves_files(machine, red)
        cable.settle()
        for end in "ab":
            check("tx-bad" not in cable.drops(end), cable.drops(end))
        cable.close()


guest.prepare()
lab.main([
    guest_moves_files_and_is_killed_and_started_again,
], needs=("ping",))
