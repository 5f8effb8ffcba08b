#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Two stacks talk, in every way that leaves work for the one who delivers: TCP, UDP in
segments that are cut as late as can be, and the same with a tag of 802.1Q in place.

    talk.py serve DEV ADDRESS...            prints "ready", then waits to be called
    talk.py call DEV ADDRESS... ADDRESS...  the other's addresses, then one's own
    talk.py echo ADDRESS...                 with an echo service: nothing tagged
    talk.py tag DEV                         sends what is tagged, and that is all

What came is judged here. No stack but this one sends with a tag, nor has devices for
what is tagged, so what comes so is looked at as a capture would: the checksum, be it
left open or not, and that all is there. Prints how many tagged frames that was.
"""
import ctypes
import hashlib
import random
import socket
import struct
import sys

OCTETS = random.Random(1).randbytes(1500000)
DIGEST = hashlib.sha256(OCTETS).digest()
UDP_SEGMENT = 103
SEGMENT, TAGGED = 1000, 12000
UDP, TCP = 17, 6
SOL_PACKET, PACKET_AUXDATA, PACKET_VNET_HDR = 263, 8, 15
GSO = {(4, TCP): 1, (4, UDP): 5, (6, TCP): 4, (6, UDP): 5}


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def take_tcp(conn):
    got = hashlib.sha256()
    while part := conn.recv(1 << 16):
        got.update(part)
    assert got.digest() == DIGEST, "TCP: not what was sent"


def send_udp(udp, to):
    udp.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, SEGMENT)
    for i in range(3):
        udp.sendto(OCTETS[i * 12000:i * 12000 + 12000], to)
    udp.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 0)
    for i in range(36, 40):
        udp.sendto(OCTETS[:50 + i], to)


def take_udp(udp):
    for i in range(40):
        part, came_from = udp.recvfrom(2000)
        want = OCTETS[i * 1000:i * 1000 + 1000] if i < 36 else OCTETS[:50 + i]
        assert part == want, f"UDP: datagram {i} is not what was sent"
    return came_from


def udp_at(address):
    udp = socket.socket(family_of(address), socket.SOCK_DGRAM)
    udp.settimeout(10)
    udp.bind((address, 7))
    return udp


def tagged_at(dev):
    """What the device receives that had a tag, with that aside and virtio-net's header."""
    packets = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    # ld vlan_avail; jeq #0, drop; ret all; drop: ret 0
    code = ctypes.create_string_buffer(b"".join(struct.pack("=H2BI", *insn) for insn in (
        (0x20, 0, 0, 0xFFFFF030), (0x15, 1, 0, 0), (0x06, 0, 0, 0x40000), (0x06, 0, 0, 0))))
    packets.setsockopt(socket.SOL_SOCKET, 26,  # SO_ATTACH_FILTER
                       struct.pack("@HP", 4, ctypes.addressof(code)))
    packets.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    packets.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    packets.bind((dev, 3))
    packets.settimeout(10)
    return packets


def add(octets):
    total = sum(struct.unpack(f"!{(len(octets) + 1) // 2}H", octets + bytes(len(octets) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def send_tagged(dev):
    """One frame each of TCP and UDP over IPv4 and IPv6, to be cut into twelve."""
    out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    out.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    out.bind((dev, 0))
    for (version, proto), gso in GSO.items():
        family, kind = (socket.AF_INET, 0x0800) if version == 4 else (socket.AF_INET6, 0x86DD)
        ends = b"".join(socket.inet_pton(family, a) for a in (
            ("10.0.0.1", "10.0.0.2") if version == 4 else ("fd00::1", "fd00::2")))
        length, at = (8, 6) if proto == UDP else (20, 16)
        total = length + TAGGED
        sums = struct.pack("!H", add(ends + struct.pack("!2H", proto, total)))
        l4 = (struct.pack("!3H", 7, 7, total) + sums if proto == UDP else
              struct.pack("!2H2I2B H", 7, 7, 1, 1, 0x50, 0x10, 8192) + sums + bytes(2))
        if version == 4:
            l3 = struct.pack("!2B3H2B", 0x45, 0, 20 + total, 1, 0, 64, proto)
            l3 += struct.pack("!H", add(l3 + ends) ^ 0xFFFF) + ends
        else:
            l3 = struct.pack("!IH2B", 6 << 28, total, proto, 64) + ends
        l2 = bytes.fromhex("020000000099020000000001") + struct.pack("!3H", 0x8100, 7, kind)
        start = len(l2) + len(l3)
        vnet = struct.pack("=2B4H", 1, gso, start + length, SEGMENT, start, at)
        out.send(vnet + l2 + l3 + l4 + OCTETS[:TAGGED])


def judge_tagged(vnet, frame):
    """Which packet it is of, and what it has of that. Without its tag, as it was received."""
    flags, gso, _, size, start, offset = struct.unpack("=2B4H", vnet)
    version = frame[14] >> 4
    end = 34 if version == 4 else 54
    proto = frame[23] if version == 4 else frame[20]
    ends = frame[26:34] if version == 4 else frame[22:54]
    if version == 4:
        equal(add(frame[14:34]), 0xFFFF, "the sum of a header of IPv4")
        equal(struct.unpack_from("!H", frame, 16)[0], len(frame) - 14, "a length of IPv4")
    l4 = frame[end:]
    pseudo = add(ends + struct.pack("!2H", proto, len(l4)))
    if flags & 1:
        at = 6 if proto == UDP else 16
        equal((start, offset), (end, at), "where the sum is left open")
        equal(struct.unpack_from("!H", l4, at)[0], pseudo, "the sum that was left open")
    else:
        equal(add(l4 + struct.pack("!H", pseudo)), 0xFFFF, f"the sum of a frame of {len(frame)}")
    data = l4[8 if proto == UDP else 20:]
    if len(data) > SEGMENT:
        equal((gso, size), (GSO[version, proto], SEGMENT), "how it is to be cut")
    return (version, proto), data


def equal(is_, should, what):
    assert is_ == should, f"{what} is {is_} and should be {should}"


def take_tagged(packets):
    """All of what send_tagged() sends. How many frames it came in."""
    came = {key: b"" for key in GSO}
    count = 0
    while any(len(data) < TAGGED for data in came.values()):
        octets, others, _, _ = packets.recvmsg(1 << 17, 64)
        # status, len, snaplen, mac, net, vlan_tci, vlan_tpid
        equal(struct.unpack("=3I4H", others[0][2])[5:], (7, 0x8100), "the tag")
        key, data = judge_tagged(octets[:10], octets[10:])
        came[key] += data
        count += 1
    for key, data in came.items():
        assert data == OCTETS[:TAGGED], f"{key}: not what was sent"
    return count


def serve(dev, *addresses):
    here = [(socket.create_server((a, 7), family=family_of(a)), udp_at(a)) for a in addresses]
    packets = tagged_at(dev)
    print("ready", flush=True)
    for tcp, udp in here:
        conn = tcp.accept()[0]
        take_tcp(conn)
        conn.sendall(OCTETS)
        conn.close()
        send_udp(udp, take_udp(udp))
    print(take_tagged(packets))
    send_tagged(dev)


def call(dev, *addresses):
    packets = tagged_at(dev)
    half = len(addresses) // 2
    for far, near in zip(addresses[:half], addresses[half:]):
        conn = socket.create_connection((far, 7), timeout=10)
        conn.sendall(OCTETS)
        conn.shutdown(socket.SHUT_WR)
        take_tcp(conn)
        udp = udp_at(near)
        send_udp(udp, (far, 7))
        take_udp(udp)
    send_tagged(dev)
    print(take_tagged(packets))


def echo(*addresses):
    for far in addresses:
        conn = socket.create_connection((far, 7), timeout=10)
        for i in range(0, 200000, 20000):
            conn.sendall(OCTETS[i:i + 20000])
            back = b""
            while len(back) < len(OCTETS[i:i + 20000]):
                back += conn.recv(1 << 16)
            assert back == OCTETS[i:i + 20000], "TCP: not what was sent"
        udp = socket.socket(family_of(far), socket.SOCK_DGRAM)
        udp.settimeout(10)
        send_udp(udp, (far, 7))
        take_udp(udp)


if __name__ == "__main__":
    {"serve": serve, "call": call, "echo": echo, "tag": send_tagged}[sys.argv[1]](*sys.argv[2:])
