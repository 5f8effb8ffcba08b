#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A front end of vhost-user with one pair of queues, to tests that QEMU and DPDK are too
orderly for: it offers every offload, UDP's too, and can be told to misbehave.

    front.py PATH DEV     a guest whose stack is that of its namespace: a TAP, which
                          has the same header in front of each frame as a virtqueue.
                          The server, so that our end is the client at PATH

Buffer i of a ring belongs to descriptor i.
"""
import fcntl
import mmap
import os
import select
import socket
import struct
import sys

RX, TX = 0, 1
RING = 64
AREA = 0x4000  # of a ring: descriptors, available, used
AVAIL, USED = 0x1000, 0x2000
BUFFER = 0x11000  # a segment of 64 KiB and its header
BUFFERS = 0x10000
MEMORY = BUFFERS + 2 * RING * BUFFER
GPA, UVA = 0x40000000, 0x7F0000000000

(GET_FEATURES, SET_FEATURES, SET_OWNER, SET_MEM_TABLE, SET_NUM, SET_ADDR, SET_BASE, SET_KICK,
 SET_CALL, GET_PROTOCOL, SET_PROTOCOL, GET_QUEUE_NUM, SET_ENABLE, GET_INFLIGHT, SET_INFLIGHT) = (
     1, 2, 3, 5, 8, 9, 10, 12, 13, 15, 16, 17, 18, 31, 32)
PROTOCOL_MQ, PROTOCOL_INFLIGHT = 1 << 0, 1 << 12
HDR = 12
VERSION_1, PROTOCOL, MRG_RXBUF = 32, 30, 15
# Checksums; TSO and ECN, to it and from it; USO, to it by 4 and 6 and from it.
OFFLOADS = (0, 1, 7, 8, 9, 11, 12, 13, 54, 55, 56)


def bits(numbers):
    return sum(1 << n for n in numbers)


class Front:
    """Connected, with both rings running and every buffer to receive in on offer."""

    def __init__(self, sock, offloads=OFFLOADS):
        self.features = bits((VERSION_1, PROTOCOL, *offloads))
        self.file = os.memfd_create("guest")  # not sealed: nobody who has a guest's is
        os.ftruncate(self.file, MEMORY)
        self.memory = mmap.mmap(self.file, MEMORY)
        # An index is stored and loaded whole; struct would do it octet by octet.
        self.words = memoryview(self.memory).cast("H")
        self.kick, self.call = ([os.eventfd(0, os.EFD_NONBLOCK) for _ in (RX, TX)]
                                for _ in range(2))
        self.next, self.seen = [0, 0], [0, 0]
        self.offered = [set(), set()]
        self.inflight = None  # the message for it, and a descriptor
        for i in range(RING):
            self.offer(RX, i, BUFFER)
        self.connect(sock)

    def connect(self, sock):
        """Tell a back end all of it; one that takes another's place goes on where that died."""
        self.sock = sock
        self.agree()
        for r in RX, TX:
            self.ring_bell(r)

    def say(self, request, payload=b"", fds=()):
        head = struct.pack("=3I", request, 1, len(payload))
        socket.send_fds(self.sock, [head + payload], list(fds))

    def ask(self, request):
        self.say(request)
        return struct.unpack("=3IQ", self.sock.recv(20, socket.MSG_WAITALL))[3]

    def track(self):
        """What is in flight, in memory that we keep for whoever comes next."""
        if self.inflight is None:
            self.say(GET_INFLIGHT, struct.pack("=2Q2H4x", 0, 0, 2, RING))
            octets, fds, _, _ = socket.recv_fds(self.sock, 36, 1)
            self.inflight = octets[12:], fds[0]
        self.say(SET_INFLIGHT, self.inflight[0], [self.inflight[1]])

    def agree(self):
        missing = self.features & ~self.ask(GET_FEATURES)
        assert missing == 0, f"not offered: {missing:x}"
        protocol = PROTOCOL_MQ | PROTOCOL_INFLIGHT
        assert self.ask(GET_PROTOCOL) & protocol == protocol
        self.say(SET_PROTOCOL, struct.pack("=Q", protocol))
        self.say(SET_OWNER)
        self.say(SET_FEATURES, struct.pack("=Q", self.features))
        self.track()
        self.say(SET_MEM_TABLE, struct.pack("=2I4Q", 1, 0, GPA, MEMORY, UVA, 0), [self.file])
        for r in RX, TX:
            at = UVA + r * AREA
            self.say(SET_NUM, struct.pack("=2I", r, RING))
            self.say(SET_BASE, struct.pack("=2I", r, self.used_index(r)))
            self.say(SET_ADDR, struct.pack("=2I4Q", r, 0, at, at + USED, at + AVAIL, 0))
            self.say(SET_KICK, struct.pack("=Q", r), [self.kick[r]])
            self.say(SET_CALL, struct.pack("=Q", r), [self.call[r]])
            self.say(SET_ENABLE, struct.pack("=2I", r, 1))
        self.ask(GET_QUEUE_NUM)  # messages are heard in order

    def buffer(self, r, i):
        return BUFFERS + (r * RING + i) * BUFFER

    def offer(self, r, i, length):
        self.offered[r].add(i)
        struct.pack_into("=QI2H", self.memory, r * AREA + 16 * i, GPA + self.buffer(r, i), length,
                         2 if r == RX else 0, 0)
        avail = r * AREA + AVAIL
        struct.pack_into("=H", self.memory, avail + 4 + 2 * (self.next[r] % RING), i)
        self.next[r] = (self.next[r] + 1) & 0xFFFF
        self.words[(avail + 2) // 2] = self.next[r]

    def ring_bell(self, r):
        os.eventfd_write(self.kick[r], 1)

    def used_index(self, r):
        return self.words[(r * AREA + USED + 2) // 2]

    def used(self, r):
        """What was given back: which buffer, and how much of it is written."""
        while self.used_index(r) != self.seen[r]:
            i, length = struct.unpack_from("=2I", self.memory,
                                           r * AREA + USED + 4 + 8 * (self.seen[r] % RING))
            assert i in self.offered[r], f"buffer {i} was not ours to get back"
            self.offered[r].remove(i)
            self.seen[r] = (self.seen[r] + 1) & 0xFFFF
            yield i, length

    def has_room(self):
        return len(self.offered[TX]) < RING or self.used_index(TX) != self.seen[TX]

    def send(self, *frames):
        """With a header in front of each; gives how many there was room for."""
        for _ in self.used(TX):
            pass
        free = set(range(RING)) - self.offered[TX]
        for frame, i in zip(frames, free):
            at = self.buffer(TX, i)
            self.memory[at:at + len(frame)] = frame
            self.offer(TX, i, len(frame))
        self.ring_bell(TX)
        return min(len(frames), len(free))

    def receive(self):
        """What has come, each with its header."""
        frames = []
        for i, length in self.used(RX):
            at = self.buffer(RX, i)
            frames.append(self.memory[at:at + length])
            self.offer(RX, i, BUFFER)
        if frames:
            self.ring_bell(RX)
        return frames


def tap(dev):
    """With every offload, and virtio-net's header."""
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tun, 0x400454CA, struct.pack("16sH22x", dev.encode(), 0x2 | 0x1000 | 0x4000))
    fcntl.ioctl(tun, 0x400454D8, struct.pack("=i", HDR))  # TUNSETVNETHDRSZ
    fcntl.ioctl(tun, 0x400454D0, 0x6F)  # TUNSETOFFLOAD: all but UFO
    return tun


def main(path, dev):
    tun = tap(dev)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(path)
        server.listen()
        print("ready", flush=True)
        front = Front(server.accept()[0])
        os.unlink(path)
    poll = select.poll()
    poll.register(front.sock, 0)
    poll.register(front.call[RX], select.POLLIN)
    while True:
        has_room = front.has_room()
        poll.register(tun, select.POLLIN if has_room else 0)
        poll.register(front.call[TX], 0 if has_room else select.POLLIN)
        ready = dict(poll.poll())
        if ready.get(front.sock.fileno()):
            return  # our end hung up
        for bell in front.call:
            if bell in ready:
                os.eventfd_read(bell)
        for frame in front.receive():
            os.write(tun, frame)
        if tun in ready:
            front.send(os.read(tun, BUFFER))


if __name__ == "__main__":
    main(*sys.argv[1:])
