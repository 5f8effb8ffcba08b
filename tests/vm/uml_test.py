#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""User-mode-linux on a cable, by its transport bess: frames as packets of a connection.

     red                                              uml
    +---------+   TAP    +-----------------+ SEQPACKET +------+
    | epair0a |==========| a  cable  b     |-----------| vec0 |
    +---------+          +-----------------+           +------+
    10.0.0.1/24                                        10.0.0.2/24
"""
import sys

import guest
import lab
from guest import FETCH, Uml, pinging
from lab import Cable, Netns, equal


def uml_and_namespace():
    """The cable stays while one machine is killed and another started."""
    with guest.sockets() as folder:
        red = Netns("red")
        path = folder + "/uml"
        cable = Cable("tap:netns=red,addr=10.0.0.1/24",
                      f"qemu:type=seqpacket,mode=server,path={path}")
        with pinging(red, "10.0.0.2"):
            for _ in range(2):
                with Uml(path) as machine:
                    machine.booted()
                    cable.await_event("attachment epair0b client connected")
                    machine.loses_none("10.0.0.1", "-c 20 -i 0.05 -s 1400")
                    digest = machine.offer(8)
                    got = red.run(sys.executable, "-c", FETCH, "http://10.0.0.2" + guest.OFFERED,
                                  timeout=60)
                    equal(got.strip(), digest, "the namespace's checksum")
                cable.await_event("attachment epair0b peer closed")
                cable.events.clear()
        cable.close()


def uml_and_qemu():
    """Both by packets."""
    with guest.sockets() as folder:
        packets = f"qemu:type=seqpacket,mode=server,path={folder}/"
        cable = Cable(packets + "vm", packets + "uml")
        with guest.Qemu(guest.PACKETS, "10.0.0.1/24", before=guest.with_packets(folder + "/vm")) as left, \
                Uml(folder + "/uml") as right:
            left.booted()
            right.booted()
            right.loses_none("10.0.0.1", "-c 20 -i 0.05 -s 1400")
            digest = right.offer(4)
            got = left.run(f"wget -q -O - http://10.0.0.2{guest.OFFERED} | sha256sum", seconds=60)
            equal(got.split()[0], digest, "the other machine's checksum")
        cable.close()


guest.prepare()
lab.main([uml_and_namespace, uml_and_qemu], needs=("linux.uml", "setarch"))
