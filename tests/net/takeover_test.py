#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""One daemon takes over from another, with frames under way; and systemd does.

    red  udp, tcp --->  epaird, then epaird  --->  blue

Both read the TAPs for a while, each frame being read by one of them.
"""
import json
import os
import select
import signal
import socket
import subprocess
import threading

import epaird
import lab
from epaird import FOLDER, Epaird, pair
from lab import Netns, check, equal, until

TAKEOVERS = int(os.environ.get("TAKEOVERS", "3"))


def take_over(daemon):
    """Begin the next; give the one that was, when it has ended."""
    old = daemon.process
    daemon.spawn("--takeover")
    equal(old.wait(timeout=lab.SECONDS), 0, daemon.logged())
    until(daemon.answers, "the next daemon to answer")
    return old


class Pings:
    """A ping each millisecond: what is lost of them is how long nothing went through."""

    def __init__(self, netns, address):
        self.process = netns.start("ping", "-q", "-i", "0.001", address,
                                   stdout=subprocess.PIPE, text=True)

    def lost(self):
        self.process.send_signal(signal.SIGINT)
        words = self.process.communicate()[0].split()
        sent, got = int(words[words.index("packets") - 1]), int(words[words.index("received,") - 1])
        return sent, sent - got


def takeover_loses_little_and_changes_nothing():
    red, blue = Netns("red"), Netns("blue")
    daemon = Epaird()
    pair(daemon)
    daemon.epair("create", "epair9", "a.attach=echo:addr=10.9.9.9/24", "up=yes")
    before = daemon.show()
    red.reaches("10.0.0.2")
    server = blue.serves_iperf3()
    client = red.start("iperf3", "-J", "-c", "10.0.0.2", "-b", "100M",
                       "-t", str(2 + 2 * TAKEOVERS), stdout=subprocess.PIPE, text=True)
    pings = Pings(red, "10.0.0.2")
    for _ in range(TAKEOVERS):
        sent = red.link("epair0a")["stats64"]["tx"]["packets"]
        until(lambda: red.link("epair0a")["stats64"]["tx"]["packets"] > sent + 100, "traffic")
        take_over(daemon)
        equal(daemon.show(), before)
    sent, lost = pings.lost()
    text = client.communicate(timeout=60)[0]
    equal(client.returncode, 0, text)
    server.wait()
    print(f"# {TAKEOVERS} takeovers: {lost} of {sent} pings lost, one a millisecond; TCP:",
          json.loads(text)["end"]["sum_sent"]["retransmits"], "retransmissions")
    check(lost <= 100 * TAKEOVERS, lost, "pings lost")
    # And it is a daemon like any other.
    daemon.epair("set", "epair0a", "mtu", "1400")
    after = daemon.show()
    daemon.kill()
    daemon.start()
    equal(daemon.show(), after)
    daemon.stop()


def takeover_without_a_daemon_is_a_start():
    red, blue = Netns("red"), Netns("blue")
    daemon = Epaird(start=False)
    daemon.start("--takeover")
    pair(daemon)
    before = daemon.show()
    daemon.kill()
    daemon.start("--takeover")
    equal(daemon.show(), before)
    red.reaches("10.0.0.2")
    daemon.stop()


def takeover_that_fails_changes_nothing():
    red, blue = Netns("red"), Netns("blue")
    daemon = Epaird()
    pair(daemon)
    before = daemon.show()
    heir = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    heir.connect(f"{FOLDER}/state/takeover")
    heir.send(bytes((1, 1, 0)))
    answer, fds, _, _ = socket.recv_fds(heir, 3, 4)
    equal((answer[:2], len(fds)), (bytes((1, 2)), 2))
    # While it holds it looks, and changes wait.
    equal(daemon.show(), before)
    change = subprocess.Popen((os.environ["EPAIR"], "--socket", daemon.socket, "create"),
                              stdout=subprocess.PIPE, text=True)
    red.reaches("10.0.0.2")
    equal(change.poll(), None)
    equal(daemon.show(), before)
    heir.close()
    for fd in fds:
        os.close(fd)
    equal(change.communicate(timeout=lab.SECONDS)[0], "epair1a\n")
    daemon.kill()
    daemon.start()
    equal(len(daemon.show()["interfaces"]), 4)
    # One that takes over leaves nobody in doubt who waited for a change.
    before = daemon.show()
    heir = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    heir.connect(f"{FOLDER}/state/takeover")
    heir.send(bytes((1, 1, 0)))
    fds = socket.recv_fds(heir, 3, 4)[1]
    change = subprocess.Popen((os.environ["EPAIR"], "--socket", daemon.socket, "create"),
                              stderr=subprocess.PIPE, text=True)
    until(lambda: json.loads(daemon.epair("stats", "--daemon"))["connections"] == 2, "it to ask")
    equal(daemon.show(), before)
    heir.send(bytes((1, 3, 0)))
    check("the daemon is ending" in change.communicate(timeout=lab.SECONDS)[1], "the refusal")
    equal(daemon.process.wait(timeout=lab.SECONDS), 0)
    heir.close()
    for fd in fds:
        os.close(fd)
    daemon.start()
    equal(daemon.show(), before)
    # One that speaks nonsense is sent away.
    for words in (b"", b"x", bytes((9, 1, 0)), bytes((1, 7, 0)), b"x" * 100):
        heir = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        heir.connect(f"{FOLDER}/state/takeover")
        heir.send(words)
        equal(heir.recv(10), b"")
        heir.close()
    take_over(daemon)
    daemon.stop()


class Systemd:
    """A notification socket, and what is put there for the unit's next process."""

    def __init__(self):
        self.path = f"{FOLDER}/notify"
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(self.path)
        self.store, self.said, self.over = {}, [], False
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.over:
            if not select.select([self.sock], [], [], 0.05)[0]:
                continue
            text, fds, _, _ = socket.recv_fds(self.sock, 4096, 8)
            words = dict(line.split("=", 1) for line in text.decode().splitlines())
            self.said.append(words)
            if "FDSTORE" in words:
                self.store[words["FDNAME"]] = fds[0]
            else:
                if "FDSTOREREMOVE" in words:
                    os.close(self.store.pop(words["FDNAME"]))
                for fd in fds:
                    os.close(fd)

    def end(self):
        self.over = True
        self.thread.join()
        for fd in self.store.values():
            os.close(fd)
        self.sock.close()

    def start(self, daemon):
        """As the unit's service: what is in the store is descriptors 3 and on."""
        names, fds = list(self.store), list(self.store.values())

        def inherit():
            high = [os.dup2(fd, 200 + i) for i, fd in enumerate(fds)]
            for i, fd in enumerate(high):
                os.dup2(fd, 3 + i, inheritable=True)
        env = {"NOTIFY_SOCKET": self.path}
        if names:
            env.update(LISTEN_FDS=str(len(names)), LISTEN_FDNAMES=":".join(names))
        daemon.env = env
        daemon.start(prefix=("sh", "-c", 'LISTEN_PID=$$ exec "$@"', "sh"), preexec_fn=inherit,
                     pass_fds=range(3, 3 + len(fds)))


def systemd_restart_keeps_devices_in_its_store():
    red, blue = Netns("red"), Netns("blue")
    systemd = Systemd()
    daemon = Epaird("--fd-store", start=False)
    systemd.start(daemon)
    pair(daemon)
    red.ip("route", "add", "192.0.2.0/24", "via", "10.0.0.2")
    equal(len(systemd.store), 4, systemd.store)
    equal(epaird.keeper(), None)
    before, routes = daemon.show(), red.ip("route")
    pings = Pings(red, "10.0.0.2")
    for _ in range(2):
        daemon.stop()
        check(red.link("epair0a"), "the TAP has gone")
        systemd.start(daemon)
        equal(daemon.show(), before)
        equal(red.ip("route"), routes)
        red.reaches("10.0.0.2")
    sent, lost = pings.lost()
    print(f"# 2 restarts by systemd: {lost} of {sent} pings lost, one a millisecond")
    daemon.epair("detach", "epair0a")
    until(lambda: len(systemd.store) == 2, "the store to be rid of epair0a")
    equal(red.link("epair0a"), None)
    daemon.stop()
    systemd.end()


epaird.main((
    takeover_loses_little_and_changes_nothing,
    takeover_without_a_daemon_is_a_start,
    takeover_that_fails_changes_nothing,
    systemd_restart_keeps_devices_in_its_store,
), needs=("iperf3",))
