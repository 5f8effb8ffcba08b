#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Network stacks that are no operating system's, under QEMU, by each way from it to a cable:
iPXE loads a file by HTTP from a namespace, and U-Boot pings a test stack."""
import os
import secrets
import select
import subprocess
import sys
import tempfile
import time

import guest
import lab
from lab import Cable, Netns, check

LKRN = "/usr/lib/ipxe/ipxe.lkrn"
ROM = "/usr/lib/u-boot/qemu-x86/u-boot.rom"
MIB = "128"

# What is loaded is a script again, a long one, and its last line says that all of it came.
SCRIPT = """#!ipxe
ifopen net0
set net0/ip 10.0.0.2
set net0/netmask 255.255.255.0
chain http://10.0.0.1:8000/
"""

SERVE = """
import http.server, sys
text = sys.stdin.buffer.read()
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = text if self.path == "/" else b""
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        print(self.path, flush=True)
    def log_message(self, *_):
        pass
server = http.server.HTTPServer(("10.0.0.1", 8000), Handler)
print("ready", flush=True)
server.serve_forever()
"""


class Way:
    """What is between a machine and its cable: the attachment's spec, and QEMU's words."""

    def __init__(self, spec, netdev, before=lambda path: (), keys=""):
        self.spec, self.netdev, self.before, self.keys = spec, netdev, before, keys

    def machine(self, path, *words):
        """Serial console on its standard input and output, and no disks or screen."""
        return subprocess.Popen(
            [*self.before(path), "qemu-system-x86_64", "-M", "pc,graphics=off", "-m", MIB,
             "-nodefaults", "-display", "none", "-serial", "stdio", "-no-reboot",
             "-netdev", *self.netdev(path),
             "-device", "virtio-net-pci,netdev=n,romfile=" + self.keys, *words],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)


WAYS = {
    "stream": Way("qemu:path={},reconnect=50ms",
                  lambda path: [guest.stream_server(path) + ",id=n"]),
    "dgram": Way("qemu:type=dgram,path={0},remote={0}q,reconnect=50ms",
                 lambda path: [guest.dgram(path + "q", path) + ",id=n"]),
    "seqpacket": Way("qemu:type=seqpacket,mode=server,path={}",
                     lambda path: [guest.PACKETS + ",id=n"], guest.with_packets),
    # vectors=0: see guest.VhostQemu.
    "vhost": Way("vhost:path={}",
                 lambda path: ["vhost-user,id=n,chardev=c", *guest.shared_memory(MIB),
                               "-chardev", "socket,id=c,path=" + path], keys=",vectors=0"),
}


def await_text(stream, text, then=lambda: None, seconds=guest.PATIENCE):
    """Read until text comes, and do `then` now and again meanwhile."""
    end, said = time.monotonic() + seconds, b""
    while text not in said:
        check(time.monotonic() < end, "waited in vain for", text, said[-1000:])
        if select.select([stream], [], [], 0.2)[0]:
            octets = os.read(stream.fileno(), 65536)
            check(octets, "it ended before it said", text, said[-1000:])
            said += octets
        else:
            then()


def end(process):
    process.kill()
    process.communicate()


def ipxe_loads_by_http(way):
    red = Netns("red")
    token = secrets.token_hex(8)
    text = "#!ipxe\n" + "".join(f"# {secrets.token_hex(32)}\n" for _ in range(30000))
    text += f"imgfetch http://10.0.0.1:8000/{token}\n"
    with guest.sockets() as folder, tempfile.NamedTemporaryFile("w") as script:
        script.write(SCRIPT)
        script.flush()
        path = folder + "/vm"
        cable = Cable("tap:netns=red,addr=10.0.0.1/24", way.spec.format(path))
        server = red.start(sys.executable, "-c", SERVE, stdin=subprocess.PIPE,
                           stdout=subprocess.PIPE)
        server.stdin.write(text.encode())
        server.stdin.close()
        await_text(server.stdout, b"ready")
        machine = way.machine(path, "-kernel", LKRN, "-initrd", script.name)
        await_text(server.stdout, token.encode())
        check(cable.stats("a")["obytes"] > len(text), "less went over the cable than was loaded")
        end(machine)
        server.kill()
        server.wait()
        server.stdout.close()
        cable.close()


def u_boot_pings(way):
    with guest.sockets() as folder:
        path = folder + "/vm"
        cable = Cable("echo:addr=10.0.0.1", way.spec.format(path))
        machine = way.machine(path, "-bios", ROM)

        def send(octets):
            machine.stdin.write(octets)
            machine.stdin.flush()

        # It boots by itself, from the network at last, until it is interrupted.
        await_text(machine.stdout, b"=> ", lambda: send(b"\3"))
        send(b"virtio scan\nsetenv ipaddr 10.0.0.2\nsetenv netmask 255.255.255.0\n"
             b"ping 10.0.0.1\n")
        await_text(machine.stdout, b"host 10.0.0.1 is alive")
        end(machine)
        cable.close()


def each(test, way):
    def named():
        test(WAYS[way])
    named.__name__ = f"{test.__name__}_by_{way}"
    return named


for needed in LKRN, ROM:
    if not os.path.exists(needed):
        lab.skip("there is no " + needed)
lab.main([each(test, way) for test in (ipxe_loads_by_http, u_boot_pings) for way in WAYS],
         needs=("qemu-system-x86_64",))
