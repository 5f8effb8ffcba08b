# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of the tool share: cases, running the tool, waiting.

A case is a function whose name is a sentence; it fails by an exception and is
skipped by Skip. Cases run in the order in which they are written, and their
outcome is printed as TAP. A script exits 1 if a case failed and 77 if all were
skipped.
"""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

EPAIR = os.environ.get("EPAIR") or sys.exit("EPAIR must name the tool")
TIMEOUT = 60

cases = []


class Skip(Exception):
    """This machine lacks what the case needs."""


def case(function):
    cases.append(function)
    return function


def main():
    failed = skipped = 0
    # Whoever runs the tests under nohup does not mean the tools in them.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    print(f"1..{len(cases)}")
    for number, function in enumerate(cases, 1):
        name = function.__name__.replace("_", " ")
        try:
            function()
            print(f"ok {number} - {name}", flush=True)
        except Skip as why:
            skipped += 1
            print(f"ok {number} - {name} # SKIP {why}", flush=True)
        except Exception:
            failed += 1
            print(f"not ok {number} - {name}")
            for line in traceback.format_exc().splitlines():
                print(f"# {line}", flush=True)
    if skipped == len(cases):
        sys.exit(77)
    sys.exit(failed > 0)


def run(*args, status=None, **options):
    """Run the tool to its end; check the exit status if one is given."""
    with open("/dev/null", "rb") as null:
        done = subprocess.run([EPAIR, *args], stdin=null, capture_output=True, timeout=TIMEOUT,
                              check=False, **options)
    done.out = done.stdout.decode()
    done.err = done.stderr.decode()
    if status is not None:
        assert done.returncode == status, \
            f"{args}: exit status {done.returncode}, not {status}\n{done.out}{done.err}"
    return done


def run_json(*args, status=0, **options):
    return json.loads(run("-j", *args, status=status, **options).out)


class Running:
    """The tool in the background, with both ends up, killed at the end."""

    def __init__(self, *args, prefix=(), **options):
        ready, self.ready_out = os.pipe()
        options.setdefault("stdout", subprocess.PIPE)
        self.process = subprocess.Popen(
            [*prefix, EPAIR, "run", *args, "--ready-fd", str(self.ready_out)],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, pass_fds=[self.ready_out],
            start_new_session=True, **options)
        os.close(self.ready_out)
        self.ready = os.read(ready, 10)
        # A shell in front keeps its own copy open.
        self.rest = os.read(ready, 10) if self.ready and not prefix else b""
        os.close(ready)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        for pipe in self.process.stdout, self.process.stderr:
            if pipe:
                pipe.close()

    def end(self, signum=signal.SIGINT, status=0):
        """Send a signal, and give what it printed."""
        self.process.send_signal(signum)
        return self.wait(status)

    def wait(self, status=0):
        out, err = self.process.communicate(timeout=TIMEOUT)
        out = (out or b"").decode()
        assert self.process.returncode == status, \
            f"exit status {self.process.returncode}, not {status}\n{out}{err.decode()}"
        return out, err.decode()


def own_namespaces():
    """Start again in a network and a mount namespace of our own, if we may: names of devices
    and namespaces are then nobody else's, whatever runs beside us."""
    if os.geteuid() != 0:
        return
    if os.environ.get("EPAIR_TEST_NAMESPACES"):
        subprocess.run(["mount", "-t", "tmpfs", "none", "/run"], check=True)
        os.mkdir("/run/netns")
        return
    os.environ["EPAIR_TEST_NAMESPACES"] = "1"
    unshare = ["unshare", "--net", "--mount"]
    if subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode == 0:
        os.execvp("unshare", [*unshare, sys.executable, *sys.argv])


def need(program):
    if shutil.which(program) is None:
        raise Skip(f"{program} is not installed")


def need_root():
    if os.geteuid() != 0:
        raise Skip("needs root")


def need_tun():
    try:
        os.close(os.open("/dev/net/tun", os.O_RDWR))
    except OSError as error:
        raise Skip(f"/dev/net/tun: {error.strerror}") from error
    done = subprocess.run(["unshare", "-n", "true"], capture_output=True, check=False)
    if done.returncode != 0:
        raise Skip("may not make network namespaces")


def until(condition, what, seconds=10):
    """Wait on a condition, never on time."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"after {seconds} s still not: {what}"
        time.sleep(0.01)


def folder():
    """A new folder that everybody may write to, removed at its end."""
    made = tempfile.TemporaryDirectory(prefix="epair-test-")
    os.chmod(made.name, 0o777)
    return made


def frames(path, *filters):
    """How many packets tshark finds in a capture, and their comments."""
    need("tshark")
    done = subprocess.run(["tshark", "-n", "-r", path, *filters, "-T", "fields", "-e",
                           "frame.len"], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return len(done.stdout.splitlines())
