#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The ways in which frames of a TAP are read and written: `io=`.

    red  sends numbers                 expects them in order  blue
    +---------+   TAP    +-----------------+  TAP   +---------+
    | epair0a |==========| a  cable  b     |========| epair0b |
    +---------+          +-----------------+        +---------+
"""
import subprocess
import sys

import lab
from lab import Cable, Failure, Netns, check, equal

RED, BLUE = "tap:netns=red,addr=10.0.0.1/24", "tap:netns=blue,addr=10.0.0.2/24"
WITHOUT_URING = sys.argv[3]
FLOWS, NUMBERS = 4, 50000

SEND = f"""
import socket, struct, time
flows = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range({FLOWS})]
for i, flow in enumerate(flows):
    flow.bind(("10.0.0.1", 5000 + i))
    flow.connect(("10.0.0.2", 7000))
for number in range({NUMBERS}):
    for flow in flows:
        flow.send(struct.pack("!I", number) * (300 if number % 50 == 0 else 3))
while True: # one that is not lost will do
    flows[0].send(b"end!")
    time.sleep(0.01)
"""

RECEIVE = """
import socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, 33, 64 << 20) # SO_RCVBUFFORCE
s.bind(("10.0.0.2", 7000))
print("ready", flush=True)
last, came, wrong = {}, 0, 0
while True:
    octets, (_, port) = s.recvfrom(2048)
    if octets == b"end!":
        break
    number = struct.unpack("!I", octets[:4])[0]
    came += 1
    wrong += number <= last.get(port, -1)
    last[port] = number
print(came, wrong)
"""


def flows_keep_their_order(io, *options, more=""):
    red, blue = Netns("red"), Netns("blue")
    cable = Cable(f"{RED},io={io}{more}", f"{BLUE},io={io}{more}", *options)
    # Frames that wait for an address are overtaken in the kernel when it comes.
    red.reaches("10.0.0.2")
    receiver = blue.start(sys.executable, "-c", RECEIVE, stdout=subprocess.PIPE, text=True)
    equal(receiver.stdout.readline(), "ready\n")
    sender = red.start(sys.executable, "-c", SEND, stderr=subprocess.DEVNULL)
    came, wrong = map(int, receiver.communicate(timeout=60)[0].split())
    sender.kill()
    sender.wait()
    print(f"# io={io}: {came} of {FLOWS * NUMBERS} came")
    equal(wrong, 0, "out of order")
    check(came > NUMBERS / 10, came)
    lab.check_account(cable, ((red, "epair0a"), (blue, "epair0b")))
    cable.close()


def by_ring_flows_keep_their_order():
    flows_keep_their_order("uring")


def by_system_calls_flows_keep_their_order():
    flows_keep_their_order("syscall")


def by_rings_of_two_queues_flows_keep_their_order():
    flows_keep_their_order("uring", "-q", "2", "-w", "2")


def two_buckets_may_share_the_one_queue_of_a_device():
    flows_keep_their_order("uring", "-q", "2", "-w", "2", more=",queues=1")


def where_it_is_forbidden_it_is_done_without_and_said():
    red, _ = Netns("red"), Netns("blue")
    cable = Cable(RED, BLUE, prefix=[WITHOUT_URING])
    for end in "ab":
        cable.await_event(rf"attachment epair0{end} no io_uring \(EPERM\): .*")
    equal(sum("io_uring" in event for event in cable.events), 2)
    red.reaches("10.0.0.2")
    cable.close()


def where_it_is_forbidden_it_cannot_be_asked_for():
    Netns("red")
    try:
        Cable(f"{RED},io=uring", "-", prefix=[WITHOUT_URING]).close()
        raise AssertionError("it was attached")
    except Failure as error:
        check("EPERM cannot have an io_uring" in str(error), error)


def asked_for_nothing_is_said():
    red, _ = Netns("red"), Netns("blue")
    cable = Cable(f"{RED},io=syscall", BLUE + ",io=syscall", prefix=[WITHOUT_URING])
    red.reaches("10.0.0.2")
    check(not any("io_uring" in event for event in cable.events), cable.events)
    cable.close()


BY_RING = [
    by_ring_flows_keep_their_order,
    by_rings_of_two_queues_flows_keep_their_order,
    two_buckets_may_share_the_one_queue_of_a_device,
    where_it_is_forbidden_it_is_done_without_and_said,
    where_it_is_forbidden_it_cannot_be_asked_for,
]

lab.main((BY_RING if sys.argv[2] == "uring" else []) + [
    by_system_calls_flows_keep_their_order,
    asked_for_nothing_is_said,
])
