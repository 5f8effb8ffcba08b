#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Descriptors instead of names: what a user opens is attached, and what is none of that is refused.

    root    epaird, vnet red, which is alice's
    alice   red/epair0a, red/epair0b; files and sockets in a folder of her own
"""
import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess
import tempfile
import threading

from daemon import Client, Daemon
from harness import case, main, need_root, need_tun, run, until

ALICE = 61001
HERS = {"user": ALICE, "group": ALICE, "extra_groups": []}


class Lab(Daemon):
    def __init__(self, *args):
        need_root()
        super().__init__(*args)
        self.epair("vnet", "add", "red", f"owner={ALICE}")
        self.epair("create", "--vnet", "red")
        self.home = os.path.join(self.folder.name, "alice")
        os.mkdir(self.home, 0o700)
        os.chown(self.home, ALICE, ALICE)

    def path(self, name):
        return os.path.join(self.home, name)

    def alice(self):
        os.seteuid(ALICE)
        try:
            return Client(self.socket)
        finally:
            os.seteuid(0)

    def hers(self, *args, status=0):
        return run("--socket", self.socket, *args, status=status, **HERS)

    def attachment(self, name="red/epair0a"):
        return self.json("show", name)[0].get("attachment", "")


def ask(client, method, params, fds):
    client.id += 1
    request = {"jsonrpc": "2.0", "id": client.id, "method": method, "params": params,
               "fds": len(fds)}
    client.send(json.dumps(request).encode() + b"\n", fds)
    return client.line()


def attach(client, spec, names, fds, name="red/epair0a"):
    return ask(client, "attach", {"if": name, "spec": spec, "fds": names}, fds)


def listener(path, kind=socket.SOCK_SEQPACKET):
    sock = socket.socket(socket.AF_UNIX, kind)
    sock.bind(path)
    sock.listen()
    return sock


def connected(path, kind=socket.SOCK_SEQPACKET):
    sock = socket.socket(socket.AF_UNIX, kind)
    # With a timeout it would not wait for room in the backlog.
    sock.connect(path)
    sock.settimeout(10)
    return sock


def greets(path):
    """Whether a memif server at the path says HELLO to who connects."""
    with connected(path) as sock:
        return sock.recv(256)[:2] == b"\x02\x00"


def wrong_descriptors(d, held):
    """Of each what it is, the attachment, the names and the descriptors."""
    def hold(thing):
        held.callback(thing.close if hasattr(thing, "close") else lambda: os.close(thing))
        return thing if isinstance(thing, int) else thing.fileno()

    def opened(path, flags):
        return hold(os.open(path, flags))

    folder = opened(d.home, os.O_RDONLY)
    terminal, other = os.openpty()
    hold(terminal), hold(other)
    memory = hold(os.memfd_create("x"))
    path = opened("/etc/passwd", os.O_PATH)
    readable = opened("/etc/passwd", os.O_RDONLY)
    pair = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ends = [hold(end) for end in pair]
    streams = [hold(end) for end in socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)]
    stream = hold(listener(d.path("stream"), socket.SOCK_STREAM))
    silent = hold(socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET))
    packets = hold(listener(d.path("packets")))
    device = opened("/dev/null", os.O_RDWR)
    inet = hold(socket.create_server(("127.0.0.1", 0)))

    server, client = "memif:path=/x,role=server", "memif:path=/x"
    for what, fd in [("folder", folder), ("tty", terminal), ("memfd", memory), ("O_PATH", path),
                     ("pair", ends[0]), ("stream", stream), ("silent", silent), ("inet", inet)]:
        yield f"{what} for a listening socket", server, ["listen"], [fd]
    for what, fd in [("folder", folder), ("tty", terminal), ("memfd", memory), ("O_PATH", path),
                     ("pair", ends[0]), ("unconnected", silent), ("listening", packets)]:
        yield f"{what} for a connected socket", client, ["peer"], [fd]
    yield "pair for vhost", "vhost:path=/x,mode=client", ["peer"], [streams[0]]
    yield "pair for qemu", "qemu:path=/x", ["peer"], [streams[0]]
    yield "unix for tcp", "qemu:tcp=127.0.0.1:1,mode=server", ["listen"], [stream]
    yield "pair for a monitor", "qemu:path=/x,mode=server,qmp=/y,netdev=n", \
        ["listen", "qmp"], [stream, streams[0]]
    for what, fd in [("folder", folder), ("tty", terminal), ("O_PATH", path), ("device", device),
                     ("socket", ends[0]), ("empty", memory)]:
        yield f"{what} to read", "pcap:read=/x", ["read"], [fd]
    for what, fd in [("folder", folder), ("tty", terminal), ("O_PATH", path), ("device", device),
                     ("socket", ends[0]), ("read only", readable)]:
        yield f"{what} to write", "pcap:write=/x", ["write"], [fd]
    for what, fd in [("folder", folder), ("memfd", memory), ("socket", ends[0]), ("null", device)]:
        yield f"{what} for a TAP", "tap", ["queue"], [fd]
        yield f"{what} for a packet socket", "packet:dev=lo", ["queue"], [fd]
    yield "too few", server, ["listen", "listen"], [packets]
    yield "too many", server, ["listen"], [packets, packets]
    yield "twice", server, ["listen", "listen"], [packets, packets]
    yield "one of another kind", server, ["listen", "queue"], [packets, packets]
    yield "of a kind that takes none", "sink", ["listen"], [packets]
    yield "unnamed", server, [], [packets]
    yield "no name", server, [1], [packets]
    yield "the wrong one", server, ["peer"], [packets]
    yield "the other one", client, ["listen"], [packets]


@case
def what_is_not_what_it_is_given_for_is_refused_by_name_and_changes_nothing():
    with Lab() as d, d.alice() as alice, contextlib.ExitStack() as held:
        def state():
            return alice.result("show", stats=False), alice.result("config")

        before = state()
        for what, spec, names, fds in wrong_descriptors(d, held):
            answer = attach(alice, spec, names, fds)
            # More or fewer than it says end the connection, too.
            assert answer is not None and "error" in answer, (what, answer)
            assert answer["error"]["data"]["errno"] in ("EINVAL", "EPERM", "EBADF"), (what, answer)
            assert answer["error"]["message"], what
            made = ask(alice, "create", {"b": {"attach": spec, "fds": names}}, fds)
            assert "error" in made, (what, made)
            made = ask(alice, "apply", {"pairs": [
                {"name": "epair0", "vnet": "red", "a": {"attach": spec, "fds": names}}]}, fds)
            assert "error" in made, (what, made)
            assert state() == before, what


@case
def a_listening_socket_serves_one_after_another():
    with Lab() as d, d.alice() as alice:
        with listener(d.path("memif")) as sock:
            answer = attach(alice, "memif:path=label,role=server", ["listen"], [sock.fileno()])
        assert "result" in answer, answer
        for _ in range(3):
            until(lambda: greets(d.path("memif")), "it is free again")
        alice.result("detach", **{"if": "red/epair0a"})
        assert os.path.exists(d.path("memif")), "the path is hers to remove"


@case
def who_shares_a_listening_socket_cannot_have_a_worker_wait():
    with Lab() as d, d.alice() as alice, listener(d.path("memif")) as sock:
        attach(alice, "memif:path=label,role=server", ["listen"], [sock.fileno()])
        # Connections are taken away in front of the daemon, which would then wait for more.
        sock.setblocking(True)

        def steal():
            with contextlib.suppress(OSError):
                while True:
                    sock.accept()[0].close()

        thief = threading.Thread(target=steal)
        thief.start()
        for _ in range(200):
            connected(d.path("memif")).close()
        # Detaching waits for the worker.
        alice.result("detach", **{"if": "red/epair0a"})
        sock.shutdown(socket.SHUT_RDWR)
        thief.join()


@case
def a_connection_that_ends_is_lost_with_its_attachment_and_told():
    specs = [("memif:path=label", socket.SOCK_SEQPACKET), ("qemu:path=label", socket.SOCK_STREAM),
             ("vhost:path=label,mode=client", socket.SOCK_STREAM)]
    with Lab() as d, d.alice() as alice, d.alice() as watcher:
        # One of vhost is not used while there is no link.
        d.epair("set", "red/epair0a", "up")
        watcher.result("monitor")
        for i, (spec, kind) in enumerate(specs):
            with listener(d.path(f"peer{i}"), kind) as sock:
                with connected(sock.getsockname(), kind) as mine:
                    answer = attach(alice, spec, ["peer"], [mine.fileno()])
                assert "result" in answer, (spec, answer)
                sock.accept()[0].close()
                until(lambda: not d.attachment(), f"{spec} is lost")
                event = watcher.line()
                while event["params"]["type"] != "detach":
                    event = watcher.line()
                assert "connects but once" in event["params"]["detail"], event


@case
def undoing_a_detach_takes_the_descriptors_and_opens_nothing():
    with Lab() as d, d.alice() as alice, tempfile.NamedTemporaryFile() as victim, \
            tempfile.TemporaryFile() as mine:
        victim.write(b"precious")
        victim.flush()
        spec = f"pcap:write={victim.name}"
        answer = attach(alice, spec, ["write"], [mine.fileno()])
        assert "result" in answer, answer
        # The second step cannot be done: the name is taken.
        got, _ = alice.error("apply", pairs=[{"name": "epair0", "vnet": "red", "a": {
            "attach": "sink"}, "b": {"name": "epair0a"}}])
        assert got == "EEXIST"
        assert d.attachment() == spec
        with open(victim.name, "rb") as f:
            assert f.read() == b"precious"


@case
def the_tool_opens_what_create_and_apply_name():
    with Lab() as d:
        made = d.hers("create", "--vnet", "red", f"a.attach=memif:path={d.path('m')},role=server",
                      f"b.attach=vhost:path={d.path('v')}", "up=yes").out.strip()
        assert made == "red/epair1a"
        assert os.stat(d.path("m")).st_uid == os.stat(d.path("v")).st_uid == ALICE
        assert greets(d.path("m"))
        wanted = os.path.join(d.folder.name, "wanted.yaml")
        with open(wanted, "w") as f:
            f.write("pairs:\n- name: epair5\n  vnet: red\n"
                    f"  a: {{attach: 'qemu:path={d.path('q')},mode=server'}}\n"
                    f"  b: {{attach: 'pcap:write={d.path('record')}'}}\n")
        d.hers("apply", wanted)
        assert os.stat(d.path("q")).st_uid == os.stat(d.path("record")).st_uid == ALICE
        connected(d.path("q"), socket.SOCK_STREAM).close()
        before = d.json("show", "red/epair5a"), os.stat(d.path("q")).st_ino
        assert "0 steps" in d.hers("apply", wanted).out
        assert (d.json("show", "red/epair5a"), os.stat(d.path("q")).st_ino) == before
        # Where there is no folder nothing is made.
        error = d.hers("create", "--vnet", "red", "a.attach=memif:path=/root/x,role=server",
                       status=1).err
        assert "ermission denied" in error, error
        error = d.hers("create", "--vnet", "red", "a.attach=veth", status=1).err
        assert "cannot be handed over" in error, error
        assert "epair2a" not in d.epair("show")


@case
def what_was_handed_over_comes_back_after_a_crash_or_is_gone_with_an_event():
    with tempfile.TemporaryDirectory() as state, Lab("--state", state) as d:
        d.hers("attach", "red/epair0a", f"memif:path={d.path('m')},role=server")
        with listener(d.path("peer"), socket.SOCK_STREAM) as peer:
            os.chown(d.path("peer"), ALICE, ALICE)
            d.hers("attach", "red/epair0b", f"qemu:path={d.path('peer')}")
            mine = peer.accept()[0]
            before = d.epair("show", "--as-config")
            assert "qemu" in before
            d.process.kill()
            d.process.communicate()
            d.start()
            mine.close()
        assert d.attachment() == f"memif:path={d.path('m')},role=server"
        assert greets(d.path("m"))
        assert not d.attachment("red/epair0b")


@case
def a_device_of_her_own_namespace_passes_frames():
    need_tun()
    with Lab() as d:
        script = (f"ip link set lo up; {os.environ['EPAIR']} --socket {d.socket} "
                  "attach red/epair0a packet:dev=lo && exec sleep 600")
        inside = subprocess.Popen(["unshare", "-Urn", "sh", "-c", script], **HERS)
        try:
            until(lambda: d.attachment().startswith("packet"), "it is attached")
            assert "up" in json.dumps(d.json("show", "red/epair0a")).lower()
        finally:
            inside.send_signal(signal.SIGKILL)
            inside.wait()
        d.epair("detach", "red/epair0a")


@case
def a_device_is_where_it_is_and_not_where_somebody_says():
    """Else the link of that name in the namespace that she names would be set up, by our rights."""
    need_tun()
    tun_set_iff, iff_tap_no_pi_vnet_hdr, get_address = 0x400454ca, 0x5002, 0x8927
    with Lab() as d, d.alice() as alice, open("/proc/self/ns/net", "rb") as netns:
        original = os.open("/proc/self/ns/net", os.O_RDONLY)
        libc = __import__("ctypes").CDLL(None, use_errno=True)
        assert libc.unshare(0x40000000) == 0
        try:
            fd = os.open("/dev/net/tun", os.O_RDWR)
            fcntl.ioctl(fd, tun_set_iff, b"tap7".ljust(16, b"\0") +
                        iff_tap_no_pi_vnet_hdr.to_bytes(2, "little") + bytes(22))
        finally:
            assert libc.setns(original, 0x40000000) == 0
            os.close(original)
        subprocess.run(["ip", "tuntap", "add", "tap7", "mode", "tap"], check=True)
        try:
            address = fcntl.ioctl(fd, get_address, bytes(40))[18:24]
            subprocess.run(["ip", "link", "set", "tap7", "address", address.hex(":")], check=True)
            before = subprocess.run(["ip", "link", "show", "tap7"], capture_output=True,
                                    check=True).stdout
            # That it is elsewhere is her word, and is not taken.
            answer = attach(alice, "tap:netns=x,gw=10.0.0.1", ["queue", "netns"],
                            [fd, netns.fileno()])
            assert "error" in answer, answer
            # A path that she names is not opened either.
            path = d.path("fifo")
            os.mkfifo(path)
            answer = attach(alice, f"tap:netns={path}", ["queue"], [fd])
            assert "result" in answer, answer
            d.epair("set", "red/epair0a", "mtu", "1400", "up")
            after = subprocess.run(["ip", "link", "show", "tap7"], capture_output=True,
                                   check=True).stdout
            assert before == after
        finally:
            os.close(fd)
            subprocess.run(["ip", "link", "del", "tap7"], check=True)


main()
