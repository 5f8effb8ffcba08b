#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Network stacks that are no operating system's, under QEMU by its netdev stream and by
vhost-user: iPXE loads a file by HTTP from a namespace, and U-Boot pings a test stack."""
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


def bare_machine(*words):
    """Serial console on its standard input and output, and no disks or screen."""
    return subprocess.Popen(
        ["qemu-system-x86_64", "-M", "pc,graphics=off", "-m", "128", "-nodefaults", "-display",
         "none", "-serial", "stdio", "-no-reboot", *words],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE)


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


def stream(path):
    return "-netdev", guest.stream_server(path) + ",id=n"


def vhost(path):
    return ("-object", "memory-backend-memfd,id=mem,size=128M,share=on", "-numa", "node,memdev=mem",
            "-chardev", "socket,id=c,path=" + path, "-netdev", "vhost-user,id=n,chardev=c")


def ipxe_loads(spec, netdev, keys):
    red = Netns("red")
    token = secrets.token_hex(8)
    text = "#!ipxe\n" + "".join(f"# {secrets.token_hex(32)}\n" for _ in range(30000))
    text += f"imgfetch http://10.0.0.1:8000/{token}\n"
    with guest.sockets() as folder, tempfile.NamedTemporaryFile("w") as script:
        script.write(SCRIPT)
        script.flush()
        cable = Cable("tap:netns=red,addr=10.0.0.1/24", spec.format(folder + "/vm"))
        server = red.start(sys.executable, "-c", SERVE, stdin=subprocess.PIPE,
                           stdout=subprocess.PIPE)
        server.stdin.write(text.encode())
        server.stdin.close()
        await_text(server.stdout, b"ready")
        machine = bare_machine(*netdev(folder + "/vm"), "-device",
                               "virtio-net-pci,netdev=n,romfile=" + keys,
                               "-kernel", LKRN, "-initrd", script.name)
        await_text(server.stdout, token.encode())
        check(cable.stats("a")["obytes"] > len(text), "less went over the cable than was loaded")
        end(machine)
        server.kill()
        server.wait()
        server.stdout.close()
        cable.close()


def ipxe_loads_by_http():
    ipxe_loads("qemu:path={},reconnect=50ms", stream, "")


def ipxe_loads_by_http_through_a_vhost():
    ipxe_loads("vhost:path={}", vhost, ",vectors=0")


def u_boot_pings():
    with guest.sockets() as folder:
        cable = Cable("echo:addr=10.0.0.1", f"qemu:path={folder}/vm,reconnect=50ms")
        machine = bare_machine(*stream(folder + "/vm"), "-device", "e1000,netdev=n,romfile=", "-bios", ROM)

        def send(octets):
            machine.stdin.write(octets)
            machine.stdin.flush()

        # It boots by itself, from the network at last, until it is interrupted.
        await_text(machine.stdout, b"=> ", lambda: send(b"\3"))
        send(b"setenv ipaddr 10.0.0.2\nsetenv netmask 255.255.255.0\nping 10.0.0.1\n")
        await_text(machine.stdout, b"host 10.0.0.1 is alive")
        end(machine)
        cable.close()


for needed in LKRN, ROM:
    if not os.path.exists(needed):
        lab.skip("there is no " + needed)
lab.main([ipxe_loads_by_http, ipxe_loads_by_http_through_a_vhost, u_boot_pings], needs=("qemu-system-x86_64",))
