#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""An lwIP stack and the kernel's, on one cable: each takes the other for what it is.

     red                       epair run
    +---------+   TAP    +-----------------+
    | epair0a |==========| a  cable  b: lwIP
    +---------+          +-----------------+
    10.0.0.1/24, fd00::1/64    10.0.0.2/24, fd00::2/64
"""
import json
import os
import subprocess
import zlib

from harness import Running, Skip, case, main, need, need_root, need_tun, own_namespaces, run

TAP = "tap:netns=red,addr=10.0.0.1/24,addr=fd00::1/64"
LWIP = "lwip:addr=10.0.0.2/24,addr=fd00::2/64"
# A TCP connection to argv[1]: what comes on standard input goes there, and back again.
CLIENT = """
import socket, sys, threading
s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 10)
def send():
    s.sendall(sys.stdin.buffer.read())
    s.shutdown(socket.SHUT_WR)
threading.Thread(target=send).start()
while octets := s.recv(65536):
    sys.stdout.buffer.write(octets)
"""


def inside(*args, **options):
    return subprocess.run(["ip", "netns", "exec", "red", *args], capture_output=True, check=True,
                          timeout=30, **options).stdout


class Cable(Running):
    def __init__(self):
        need_root()
        need_tun()
        if "not in this build" in run("run", "--sim", "--time", "0.001", "lwip", "sink").err:
            raise Skip("lwIP is not in this build")
        if not os.path.exists("/run/netns/red"):
            subprocess.run(["ip", "netns", "add", "red"], check=True)
        super().__init__("-j", TAP, LWIP)
        assert self.ready

    def told(self):
        doc = json.loads(self.end()[0])
        return [event["detail"] for event in doc["events"] if event["event"] == "attachment"]


@case
def kernel_pings_lwip():
    with Cable():
        for address in "10.0.0.2", "fd00::2":
            out = inside("ping", "-c", "3", "-i", "0.1", "-s", "1400", address).decode()
            assert " 0% packet loss" in out, out
        out = inside("ping", "-c", "2", "-i", "0.1", "-s", "20000", "10.0.0.2").decode()
        assert " 0% packet loss" in out, out


@case
def what_the_kernel_sends_comes_back():
    octets = os.urandom(3000001)
    with Cable():
        for address in "10.0.0.2", "fd00::2":
            assert inside("python3", "-c", CLIENT, address, "7", input=octets) == octets


@case
def what_the_kernel_sends_is_summed():
    octets = os.urandom(1000001)
    with Cable() as cable:
        assert inside("python3", "-c", CLIENT, "fd00::2", "9", input=octets) == b""
        text, = cable.told()
        assert text.startswith("discard: 1000001 octets from fd00::1 port "), text
        assert text.endswith(f"CRC-32 {zlib.crc32(octets):08x}"), text


@case
def iperf_is_served():
    need("iperf")
    with Cable() as cable:
        out = inside("iperf", "-c", "10.0.0.2", "-t", "1").decode()
        assert "bits/sec" in out, out
        assert any(text.startswith("iperf: done: ") for text in cable.told())


own_namespaces()
main()
