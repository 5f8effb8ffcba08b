#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Descriptors instead of names: what a user opens is attached, and what is none of that is refused.

    root    epaird, vnet red, which is alice's
    alice   red/epair0a, red/epair0b; files and sockets in a folder of her own

So it is with the files that a link reads: tables of distributions, and traces.
"""
import contextlib
import fcntl
import json
import os
import signal
import socket
import struct
import subprocess
import tempfile
import threading

from daemon import Client, Daemon, keeper_of
from fuse import FLUSH, GETATTR, Fuse
from harness import Skip, case, main, need_root, need_tun, run, until

ALICE = 61001
HERS = {"user": ALICE, "group": ALICE, "extra_groups": []}


class Lab(Daemon):
    def __init__(self, *args, **options):
        need_root()
        super().__init__(*args, **options)
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

    def hers(self, *args, status=0, **options):
        return run("--socket", self.socket, *args, status=status, **HERS, **options)

    def file(self, name, text="5\n10\n"):
        """A trace, and a table as well, that is hers and nobody else's."""
        with open(self.path(name), "w", encoding="utf-8") as f:
            os.fchown(f.fileno(), ALICE, ALICE)
            os.fchmod(f.fileno(), 0o600)
            f.write(text)
        return self.path(name)

    def link(self, name="red/epair0a"):
        with self.client() as client:
            return client.result("show", **{"if": name})["interfaces"][0].get("impairments", "none")

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
def who_shares_a_tap_cannot_have_a_worker_wait():
    need_tun()
    with Lab() as d, d.alice() as alice:
        d.epair("set", "red/epair0a", "up")
        d.epair("set", "red/epair0b", "up")
        tap = os.open("/dev/net/tun", os.O_RDWR)
        fcntl.ioctl(tap, 0x400454ca, struct.pack("16sH22x", b"tap6", 0x5002))
        try:
            with contextlib.suppress(BlockingIOError):
                os.preadv(tap, [bytearray(1)], -1, os.RWF_NOWAIT)
        except OSError as why:
            os.close(tap)
            raise Skip("this kernel's TAPs may wait") from why
        answer = attach(alice, "tap:name=tap6", ["queue"], [tap])
        assert "result" in answer, answer
        # A read that finds none would wait for the next, and there is but one.
        os.set_blocking(tap, True)
        with contextlib.suppress(FileNotFoundError):
            with open("/proc/sys/net/ipv6/conf/tap6/disable_ipv6", "w", encoding="ascii") as f:
                f.write("1")
        subprocess.run(["ip", "link", "set", "tap6", "up"], check=True)
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sock:
            sock.bind(("tap6", 0))
            sock.send(b"\xff" * 12 + b"\x88\xb5" + bytes(46))
            until(lambda: d.json("show", "red/epair0a")[0]["stats"]["opackets"] > 0, "it is sent")
        alice.result("detach", **{"if": "red/epair0a"})
        os.close(tap)


def says(path, kind, octets, fd):
    """Whoever serves at the path is told that, with a descriptor, and hangs up."""
    with connected(path, kind) as sock:
        socket.send_fds(sock, [octets], [fd])
        while sock.recv(256):
            pass


@case
def who_serves_a_file_system_cannot_have_anybody_wait():
    """What is not wanted is closed, and that has a file flushed by who serves it."""
    with Lab() as d, d.alice() as alice:
        d.epair("set", "red/epair0a", "up")
        os.mkdir(d.path("fuse"))
        with Fuse(d.path("fuse")) as fuse:
            fd = os.open(d.path("fuse/file"), os.O_RDWR)
            fuse.silent = {FLUSH, GETATTR}
            answer = attach(alice, "pcap:read=label", ["read"], [fd])
            assert "whoever serves it" in answer["error"]["message"], answer
            assert "error" in alice.ask("show", [fd])
            for spec, kind, octets in [
                    ("memif:path=label,role=server", socket.SOCK_SEQPACKET,
                     struct.pack("=H126x", 1)),
                    ("vhost:path=label", socket.SOCK_STREAM, struct.pack("=3I", 3, 1, 0)),
                    ("vhost:path=label", socket.SOCK_STREAM, struct.pack("=3IQ", 12, 1, 8, 0)),
                    ("vhost:path=label", socket.SOCK_STREAM, struct.pack("=3I", 21, 1, 0)),
                    ("vhost:path=label", socket.SOCK_STREAM,
                     struct.pack("=5I4Q", 5, 1, 40, 1, 0, 0, 4096, 0, 0))]:
                path = d.path(f"{len(os.listdir(d.home))}")
                with listener(path, kind) as sock:
                    answer = attach(alice, spec, ["listen"], [sock.fileno()])
                assert "result" in answer, answer
                says(path, kind, octets, fd)
                # Detaching waits for the worker.
                alice.result("detach", **{"if": "red/epair0a"})
            fuse.silent = set()
            os.close(fd)


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


def set_link(client, words, names, fds):
    return ask(client, "set", {"if": "red/epair0a", "words": {"link": words}, "fds": names}, fds)


@case
def files_of_a_link_are_opened_by_the_tool():
    with Lab() as d:
        trace, table = d.file("trace"), d.file("table")
        d.hers("link", "red/epair0a", f"trace {trace}")
        assert d.link() == f"trace {trace}"
        words = f"delay 1ms 1ms distribution {table} trace {trace}"
        d.hers("set", "red/epair0a", "link", words, "mtu", "1400")
        assert d.link() == words
        # By a path that means something to her alone.
        d.hers("link", "red/epair0b", f"slot distribution ./{os.path.basename(table)} 1ms 1ms",
               cwd=d.home)
        # What is not hers to read.
        for args in (["link", "red/epair0a", "trace /etc/shadow"],
                     ["set", "red/epair0a", "link", "distribution /etc/shadow"],
                     ["create", "--vnet", "red", "link=trace /etc/shadow"]):
            error = d.hers(*args, status=1).err
            assert "/etc/shadow" in error and "ermission denied" in error, error
        assert d.link() == words


@case
def links_of_create_and_apply_are_handed_over_with_what_is_attached():
    with Lab() as d:
        trace, record = d.file("trace"), d.path("record")
        made = d.hers("create", "--vnet", "red", f"link=trace {trace}", "b.link=delay 1ms",
                      f"a.attach=pcap:write={record}").out.strip()
        assert (d.link(made), d.link("red/epair1b")) == (f"trace {trace}", "delay 1ms")
        wanted = os.path.join(d.folder.name, "wanted.yaml")
        with open(wanted, "w", encoding="utf-8") as f:
            f.write(f"pairs:\n- name: epair5\n  vnet: red\n  link: trace {trace}\n"
                    f"  a: {{attach: 'pcap:write={record}2', link: trace {trace} delay 1ms}}\n"
                    f"  b: {{attach: 'pcap:write={record}3'}}\n")
        d.hers("apply", wanted)
        assert d.link("red/epair5a") == f"delay 1ms trace {trace}"
        assert d.link("red/epair5b") == f"trace {trace}"
        assert os.path.getsize(record + "2") == os.path.getsize(record + "3") > 0
        os.unlink(trace)
        # It is there already, however it is written.
        with open(wanted, "w", encoding="utf-8") as f:
            f.write(f"pairs:\n- name: epair5\n  vnet: red\n  link: trace {trace}\n"
                    f"  a: {{link: delay 1ms trace {trace}}}\n")
        assert "0 steps" in d.hers("apply", wanted).out


@case
def a_link_that_would_have_the_daemon_open_a_file_is_refused_by_name():
    with Lab() as d, d.alice() as alice, contextlib.ExitStack() as held:
        def opened(path, flags=os.O_RDONLY):
            fd = os.open(path, flags)
            held.callback(os.close, fd)
            return fd

        trace = opened(d.file("trace"))
        shadow = "/etc/shadow"
        d.epair("link", "red/epair0a", "delay 10ms")
        for words, names, fds, errno in [
                (f"trace {shadow}", [], [], "EPERM"),
                (f"delay 1ms 1ms distribution {shadow}", [], [], "EPERM"),
                (f"slot distribution {shadow} 1ms 1ms", [], [], "EPERM"),
                # No link by itself, but one here.
                (f"reorder 25% trace {shadow}", [], [], "EPERM"),
                (f"trace {shadow}", ["table"], [trace], "EPERM"),
                (f"trace x distribution {shadow}", ["trace"], [trace], "EPERM"),
                ("trace x", ["trace", "table"], [trace, trace], "EPERM"),
                ("delay 1ms", ["trace"], [trace], "EPERM"),
                ("trace x", ["trace"], [], "EINVAL"),
                ("trace x", [], [trace], "EPERM"),
                ("trace x", [1], [trace], "EINVAL"),
                ("trace x", ["trace"], [opened(d.home)], "EINVAL"),
                ("trace x", ["trace"], [opened("/dev/null")], "EINVAL"),
                ("trace x", ["trace"], [opened("/etc/passwd")], "EINVAL"),
                ("trace x", ["trace"], [opened(d.path("trace"), os.O_PATH)], "EBADF"),
                ("trace x", ["trace"], [opened(d.path("trace"), os.O_WRONLY)], "EBADF")]:
            of_end = {"link": words, "link-fds": names}
            for answer in (
                    set_link(alice, words, names, fds),
                    ask(alice, "create", {"b": of_end}, fds) if "reorder" not in words else None,
                    ask(alice, "apply", {"pairs": [{"name": "epair0", "a": of_end}]}, fds)):
                if answer is not None:
                    assert answer.get("error", {}).get("data", {}).get("errno") == errno, \
                        (words, names, answer)
            assert d.link() == "delay 10ms", words
        assert "epair1a" not in d.epair("show")
        answer = ask(alice, "set", {"if": "red/epair0a", "words": {"mtu": 1400},
                                    "fds": ["trace"]}, [trace])
        assert answer["error"]["data"]["errno"] == "EINVAL", answer


@case
def undoing_a_link_opens_nothing():
    with Lab() as d, d.alice() as alice:
        trace = d.file("trace")
        d.hers("link", "red/epair0a", f"trace {trace}")
        os.unlink(trace)
        os.symlink("/etc/shadow", trace)
        got, _ = alice.error("set", **{"if": "red/epair0a", "words": {"link": "none", "mtu": 1}})
        assert got == "EINVAL"
        assert d.link() == f"trace {trace}"
        # A word that does not name it leaves it alone.
        d.hers("link", "red/epair0a", "delay 1ms")
        assert d.link() == f"delay 1ms trace {trace}"


@case
def files_of_a_link_come_back_after_a_crash_or_are_gone_with_an_event():
    mark = f"EPAIR_TEST={os.getpid()}"
    env = dict(os.environ, EPAIR_TEST=str(os.getpid()))
    with tempfile.TemporaryDirectory() as state, Lab("--state", state, env=env) as d:
        trace, table = d.file("trace"), d.file("table")
        both = f"delay 1ms 1ms distribution {table} trace {trace}"
        d.hers("attach", "red/epair0a", f"pcap:write={d.path('record')}")
        d.hers("link", "red/epair0a", both)
        d.hers("attach", "red/epair0b", "sink")
        d.hers("link", "red/epair0b", f"trace {trace}")

        def world():
            return [(d.link(name), d.attachment(name)) for name in ("red/epair0a", "red/epair0b")]

        before = world()
        for path in trace, table:
            os.unlink(path)
            os.symlink("/etc/shadow", path)
        for _ in range(2):
            d.process.kill()
            d.process.communicate()
            d.start()
            assert world() == before
        # What is set anew is what comes back.
        d.hers("link", "red/epair0a", "trace off")
        d.hers("link", "red/epair0b", "none")
        before = world()
        assert "trace" not in json.dumps(before)
        d.process.kill()
        d.process.communicate()
        d.start()
        assert world() == before
        # With the keeper go the files, and they are not looked for by name.
        d.process.kill()
        d.process.communicate()
        os.kill(keeper_of(mark), signal.SIGKILL)
        until(lambda: keeper_of(mark) is None, "the keeper has gone")
        d.start()
        assert world() == [("none", ""), ("none", "sink")]
        status, errors = d.end()
        assert status == 0 and "its files were handed over" in errors, errors


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
