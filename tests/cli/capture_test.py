#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""epair run --capture: what is written, where, and what when it cannot be."""
import fcntl
import json
import os
import signal
import struct
import subprocess
import termios

from harness import EPAIR, Running, case, folder, frames, main, run, run_json, until

N = 200


@case
def both_ends_are_in_the_capture():
    with folder() as where:
        path = os.path.join(where, "both.pcapng")
        doc = run_json("run", "--capture", path, "--count", str(N), "source", "sink")
        assert doc["capture"] == {"file": path, "frames": 2 * N, "lost": 0}
        assert frames(path) == 2 * N
        assert os.stat(path).st_mode & 0o077 == 0


@case
def a_filter_passes_what_it_says():
    with folder() as where:
        path = os.path.join(where, "filtered.pcapng")
        run("run", "--capture", path, "--filter", "greater 500", "--count", str(N),
            "source:size=600", "source:size=100", status=0)
        assert frames(path) == frames(path, "-Y", "frame.len == 600") == 2 * N


@case
def an_older_file_is_replaced():
    with folder() as where:
        path = os.path.join(where, "old")
        with open(path, "wb") as old:
            old.write(bytes(1 << 20))
        run("run", "--capture", path, "--count", "1", "source", "sink", status=0)
        assert frames(path) == 2 and os.stat(path).st_size < 1 << 16


@case
def standard_output_carries_the_capture_alone():
    with folder() as where:
        path = os.path.join(where, "stdout")
        with open(path, "wb") as out:
            done = subprocess.run([EPAIR, "run", "--capture", "-", "--count", str(N), "source",
                                   "sink"], stdout=out, stderr=subprocess.PIPE, check=True)
        assert b"epair0a: flags=" in done.stderr
        assert frames(path) == 2 * N


@case
def with_j_the_document_then_goes_to_standard_error():
    done = subprocess.run([EPAIR, "-j", "run", "--capture", "-", "--count", "1", "source", "sink"],
                          capture_output=True, check=True)
    assert json.loads(done.stderr)["capture"]["frames"] == 2
    assert done.stdout[:4] == b"\x0a\x0d\x0d\x0a"


@case
def a_full_disk_is_told_and_the_cable_goes_on():
    doc = run_json("run", "--capture", "/dev/full", "--count", str(N), "source", "sink", status=1)
    assert doc["interfaces"][1]["stats"]["delivered"] == N and doc["ok"] is False
    done = run("run", "--capture", "/dev/full", "--count", str(N), "source", "sink", status=1)
    assert "--capture: /dev/full: No space left on device" in done.err
    assert f"RX packets {N} " in done.out


@case
def a_full_disk_does_not_end_it():
    with Running("--capture", "/dev/full", "source:rate=1000", "sink") as it:
        line = it.process.stderr.readline()
        assert b"No space left" in line, line
        out, _ = it.end(status=1)
        assert "epair0a: flags=" in out


@case
def a_reader_that_goes_away_ends_it():
    with Running("--capture", "-", "source:rate=1000", "sink") as it:
        assert it.process.stdout.read(4) == b"\x0a\x0d\x0d\x0a"
        it.process.stdout.close()
        it.process.wait(20)
        assert it.process.returncode == 1
        it.process.stdout = None


@case
def a_reader_that_does_not_read_stalls_neither_the_cable_nor_the_end():
    with Running("--capture", "-", "--count", "100000", "source:size=1500", "sink") as it:
        # It ends by its count although the pipe is full, and says what is missing.
        it.process.wait(20)
        assert it.process.returncode == 1
        assert b"nobody reads" in it.process.stderr.read()


def waiting(pipe):
    """Octets that may be read from a pipe."""
    return struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, bytes(4)))[0]


@case
def a_signal_ends_it_also_then():
    with Running("--capture", "-", "source:size=1500", "sink") as it:
        until(lambda: waiting(it.process.stdout) > 1 << 15, "the pipe is full")
        it.process.send_signal(signal.SIGTERM)
        it.process.wait(20)
        assert it.process.returncode == 1


main()
