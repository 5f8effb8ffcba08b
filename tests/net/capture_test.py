#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Programs that know nothing of us read our captures, and find no fault.

    capture_test.py PROGRAM     capture_file.c, which says what it writes
"""
import os
import shutil
import subprocess
import sys
import tempfile

for tool in ("tshark", "capinfos", "tcpdump"):
    if shutil.which(tool) is None:
        print(f"{tool} is not installed")
        sys.exit(77)

PROGRAM = sys.argv[1]
failed = False


def call(*args):
    return subprocess.run(args, check=True, capture_output=True, text=True, timeout=60)


def tshark(*args):
    """What it prints; of complaints it may have only that about root."""
    done = call("tshark", "-n", "-r", path, *args)
    noise = [line for line in done.stderr.splitlines() if "Running as user" not in line]
    equal(noise, [])
    return done.stdout.splitlines()


def fields(*names, where="frame"):
    asked = [arg for name in names for arg in ("-e", name)]
    return [tuple(line.split("|")) for line in
            tshark("-Y", where, "-T", "fields", "-E", "separator=|", *asked)]


def equal(found, wanted):
    global failed
    if found != wanted:
        failed = True
        print(f"found  {found}\nwanted {wanted}", flush=True)


A, B = "epair0a", "epair0b"
IN, OUT = "0x00000001", "0x00000002"
DROPPED = "dropped (queue-full): the receiving end's queue was at its limit"
TSO4 = str(14 + 20 + 20 + 5000)
TSO6 = str(14 + 40 + 20 + 60000)


def ends_have_names_and_frames_have_times_and_ids():
    found = fields("frame.interface_name", "frame.packet_flags_direction", "frame.time_epoch",
                   "frame.len", "frame.packet_id")
    # An id says which frame it is; what number it has means nothing.
    rank = {}
    for row in found:
        rank.setdefault(row[4], str(len(rank) + 1))
    equal([row[:4] + (rank[row[4]],) for row in found], [
        (A, OUT, "1.000000001", "60", "1"), (B, IN, "1.000000001", "60", "1"),
        (B, OUT, "2.000000002", TSO4, "2"), (A, IN, "2.000000002", TSO4, "2"),
        (A, OUT, "3.000000003", "146", "3"), (B, IN, "3.000000003", "142", "3"),
        (B, OUT, "4.000000004", TSO6, "4"), (A, IN, "4.000000004", TSO6, "4"),
        (A, OUT, "5.000000005", "60", "5"), (A, OUT, "5.000000005", "60", "6"),
        (A, OUT, "5.000000005", "60", "6"), (B, IN, "5.000000005", "60", "5"),
    ])


def a_drop_says_why():
    equal(fields("frame.number", "frame.comment", where="frame.comment"), [("11", DROPPED)])


def who_it_is_for_and_where_it_queued_is_told():
    kinds = {kind for kind, in fields("frame.packet_flags_reception_type", where="arp")}
    equal(kinds, {"3"})
    equal({q for q, in fields("frame.interface_queue", where=f"frame.packet_flags_direction == {IN}")},
          {"0"})


def a_tag_out_of_band_is_back_in_its_place():
    equal(fields("frame.number", "vlan.id", "udp.length", where="vlan"), [("5", "5", "108")])


def no_checksum_is_wrong_and_nothing_is_malformed():
    checks = [arg for proto in ("ip", "tcp", "udp")
              for arg in ("-o", f"{proto}.check_checksum:TRUE")]
    wrong = " || ".join(f"{f}.checksum.status != Good" for f in ("ip", "tcp", "udp"))
    equal(tshark(*checks, "-Y", wrong), [])
    good = "tcp.checksum.status == Good || udp.checksum.status == Good"
    equal(len(tshark(*checks, "-Y", good)), 6)
    equal(tshark("-Y", "_ws.malformed || _ws.expert.severity == error"), [])


def interfaces_are_described_and_counted():
    lines = [line.strip() for line in call("capinfos", path).stdout.splitlines()]
    for wanted in (f"Name = {A}", f"Name = {B}", "Description = to the moon",
                   "Filter string = not port 9999",
                   "Time precision = nanoseconds (9)", "Number of stat entries = 1",
                   "Speed = 10000000000", "Number of packets:   12"):
        equal([wanted] if wanted in lines else lines, [wanted])


def tcpdump_reads_it_and_finds_no_fault():
    done = call("tcpdump", "-nvvvr", path)
    equal([line for line in done.stderr.splitlines() if "reading from file" not in line], [])
    equal([line for line in done.stdout.splitlines() if "incorrect" in line or "bad " in line], [])
    equal(len(call("tcpdump", "-nr", path).stdout.splitlines()), 12)


def a_capture_of_simulated_time_names_no_machine():
    with open(path, "rb") as file:
        octets = file.read()
    equal(any(word in octets for word in (b"Linux", b"libepair", os.uname().release.encode())),
          False)


def a_capture_of_real_time_does():
    call(PROGRAM, path, "threads")
    text = call("capinfos", path).stdout
    equal("Linux " + os.uname().release in text and "libepair " in text, True)
    equal(tshark("-Y", "_ws.malformed"), [])


with tempfile.TemporaryDirectory() as folder:
    path = os.path.join(folder, "all.pcapng")
    call(PROGRAM, path, "sim")
    for test in (ends_have_names_and_frames_have_times_and_ids, a_drop_says_why,
                 who_it_is_for_and_where_it_queued_is_told,
                 a_tag_out_of_band_is_back_in_its_place,
                 no_checksum_is_wrong_and_nothing_is_malformed,
                 interfaces_are_described_and_counted, tcpdump_reads_it_and_finds_no_fault,
                 a_capture_of_simulated_time_names_no_machine, a_capture_of_real_time_does):
        print(test.__name__.replace("_", " "), flush=True)
        test()
sys.exit(failed)
