#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The process that moves frames has no rights, and makes no call that its filter lacks."""
import glob
import os
import re
import subprocess

from harness import EPAIR, Running, Skip, case, folder, main, need, need_root, need_tun, own_namespaces

own_namespaces()

# Answered with "not there" on purpose: what the C library has something older for.
FALLS_BACK = {"clone3"}


def need_seccomp(status):
    if "\nSeccomp:" not in status:
        raise Skip("the kernel has no seccomp")


@case
def every_thread_is_without_rights():
    with Running("source:rate=100", "sink", "--workers", "3") as r:
        tasks = glob.glob(f"/proc/{r.process.pid}/task/*/status")
        assert len(tasks) >= 4, tasks
        for path in tasks:
            with open(path, encoding="utf-8") as f:
                status = f.read()
            need_seccomp(status)
            for rights in "CapInh", "CapPrm", "CapEff", "CapAmb":
                assert re.search(rf"^{rights}:\t0+$", status, re.MULTILINE), status
            assert re.search("^NoNewPrivs:\t1$", status, re.MULTILINE), status
            with_filter = re.search("^Seccomp:\t2$", status, re.MULTILINE)
            sanitized = b"san_init" in subprocess.run(["nm", "-D", EPAIR], check=True,
                                                      capture_output=True).stdout
            assert with_filter or sanitized, status
        r.end()


def refused(args):
    """The system calls that were answered with "not there" to anybody but the opener."""
    with folder() as where:
        trace = os.path.join(where, "trace")
        done = subprocess.run(["strace", "-f", "-qq", "-o", trace, EPAIR, "run", *args],
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=60,
                              check=False)
        assert done.returncode == 0, f"{args}: {done.returncode}\n{done.stderr.decode()}"
        with open(trace, encoding="utf-8", errors="replace") as f:
            lines = f.read().splitlines()
    assert any("seccomp(SECCOMP_SET_MODE_FILTER" in line for line in lines), "no filter"
    return {found[1] for line in lines
            if (found := re.match(r"\d+ +(\w+)\(.*= -1 ENOSYS", line))} - FALLS_BACK


@case
def no_call_is_refused():
    need("strace")
    need_root()
    need_tun()
    with folder() as where:
        capture = os.path.join(where, "capture.pcapng")
        memif = os.path.join(where, "memif.sock")
        qemu = os.path.join(where, "qemu.sock")
        for args in [
                ["source", "sink", "--count", "1000", "--capture", capture],
                [f"pcap:read={capture}", f"pcap:write={where}/copy.pcap", "--time", "0.2"],
                ["tap:netns=new,addr=10.0.0.1/24", "echo:addr=10.0.0.2", "--time", "0.2"],
                ["tap:netns=new,io=syscall", "tap:netns=new,queues=2", "--queues", "2",
                 "--time", "0.2"],
                [f"memif:path={memif},role=server", "sink", "--time", "0.2"],
                [f"memif:path={memif},role=client", "sink", "--time", "0.2"],
                [f"qemu:path={qemu},mode=server", "qemu:tcp=localhost:1,mode=client", "--time",
                 "0.2"],
                ["-j", "source:rate=1000", "sink", "--link-a", "delay 1ms", "--time", "0.2"]]:
            found = refused(args)
            assert not found, f"{args}: refused {found}"


main()
