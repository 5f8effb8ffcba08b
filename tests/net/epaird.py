# SPDX-License-Identifier: BSD-2-Clause
"""A daemon in a lab, that may be killed and comes back."""
import json
import os
import signal
import subprocess
import time

import lab
from lab import check, equal, until

FOLDER = "/tmp/epaird-lab"  # a tmpfs of each test's own, in the lab's mounts


def fresh(test):
    """A test with a folder of its own, for socket, state and log."""
    def begin():
        os.makedirs(FOLDER, exist_ok=True)
        lab.run("mount", "-t", "tmpfs", "-o", "mode=755", "none", FOLDER)
        try:
            test()
        finally:
            lab.run("umount", "-R", "-l", FOLDER)
    begin.__name__ = test.__name__
    return begin


def main(tests, **more):
    lab.main([fresh(test) for test in tests], **more)


class Epaird:
    """epaird with a state; its options come behind."""

    def __init__(self, *options, env=None, start=True):
        self.socket = f"{FOLDER}/socket"
        self.state = f"{FOLDER}/state"
        self.options = options
        self.env = env
        self.said = []
        self.process = None
        if start:
            self.start()

    def command(self, *more):
        return (os.environ["EPAIRD"], "--socket", self.socket, "--state", self.state,
                *self.options, *more)

    def spawn(self, *more, prefix=(), **how):
        self.log = open(f"{FOLDER}/log", "a+")
        env = None if self.env is None else {**os.environ, **self.env}
        self.process = subprocess.Popen((*prefix, *self.command(*more)), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=self.log, env=env, **how)

    def start(self, *more, **how):
        """Start, and give how long it took until it answered, in seconds."""
        begin = time.monotonic()
        self.spawn(*more, **how)
        until(self.answers, "the daemon to answer")
        return time.monotonic() - begin

    def answers(self):
        check(self.process.poll() is None, "the daemon ended:", self.logged())
        return self.tool("show", fails=True).returncode == 0

    def logged(self):
        with open(f"{FOLDER}/log") as log:
            return log.read()

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.terminate()
        equal(self.process.wait(timeout=lab.SECONDS), 0, self.logged())

    def tool(self, *words, fails=False):
        done = subprocess.run((os.environ["EPAIR"], "--socket", self.socket, *words),
                              capture_output=True, text=True, timeout=lab.SECONDS)
        if not fails:
            check(done.returncode == 0, *words, "->", done.returncode, done.stdout, done.stderr)
        return done

    def epair(self, *words):
        return self.tool(*words).stdout

    def refused(self, *words):
        done = self.tool(*words, fails=True)
        check(done.returncode != 0, *words, "was not refused:", done.stdout)
        return done.stderr

    def show(self):
        """All that is shown of all there is, but for what was counted."""
        ifs = json.loads(self.epair("-j", "show"))
        for one in ifs:
            for key in ("stats", "stats64"):
                one.pop(key, None)
        return {"interfaces": ifs, "vnets": json.loads(self.epair("-j", "vnet", "list"))}

    def monitor(self):
        return subprocess.Popen((os.environ["EPAIR"], "--socket", self.socket, "monitor"),
                                stdout=subprocess.PIPE, text=True)


def pair(daemon, name="epair0", a="tap:netns=red,addr=10.0.0.1/24",
         b="tap:netns=blue,addr=10.0.0.2/24"):
    return daemon.epair("create", name, f"a.attach={a}", f"b.attach={b}", "up=yes").strip()


def keeper():
    """The keeper's process, or None."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            name, _, state = open(f"/proc/{pid}/stat").read().partition("(")[2].rpartition(")")
            if name == "epair-keeper" and state.split()[0] != "Z":
                return int(pid)
        except OSError:
            pass
    return None


def reboot(daemon, *namespaces):
    """What is left of a crash of the machine: the state, and nothing else."""
    daemon.kill()
    pid = keeper()
    if pid:
        os.kill(pid, signal.SIGKILL)
        until(lambda: keeper() is None, "the keeper to be gone")
    for netns in namespaces:
        netns.delete()
