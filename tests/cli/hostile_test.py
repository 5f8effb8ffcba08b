#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Clients that flood, stall or talk nonsense cost themselves only.

While each of them is at work, frames cross a bystander's cable and a bystander's
requests are answered; and why it was ended, if it was, is counted.
"""
import contextlib
import fcntl
import json
import os
import struct
import subprocess
import termios
import threading

from daemon import Client, Daemon
from harness import case, main, until

HELLO = b'{"jsonrpc":"2.0","id":1,"method":"hello"}\n'
NOBODY = 65534


def stranger(d):
    """A connection of somebody who is no admin, where we may make one."""
    if os.geteuid() != 0:
        return Client(d.socket)
    os.seteuid(NOBODY)
    try:
        return Client(d.socket)
    finally:
        os.seteuid(0)


def ended(d):
    return json.loads(d.epair("stats", "--daemon"))["ended"]


@contextlib.contextmanager
def bystander(*args):
    """A daemon with traffic on a cable; both go on at the end."""
    with Daemon(*args) as d:
        d.epair("create", "a.attach=source:rate=50000", "b.attach=sink", "up=yes")
        with d.client() as c:
            yield d

            def delivered():
                shown = c.result("show", **{"if": "epair0b"})["interfaces"][0]["stats"]
                assert "queue-full" not in shown.get("drops", {}), shown
                return shown["ipackets"]
            before = delivered()
            until(lambda: delivered() > before + 1000, "frames still cross the cable")
            stats = c.result("show", **{"if": "epair0a"})["interfaces"][0]["stats"]
            assert "drops" not in stats, stats


def send_until_closed(c, data):
    """Whether the daemon closed it before all was taken."""
    try:
        c.sock.settimeout(20)
        for at in range(0, len(data), 1 << 20):
            c.sock.sendall(data[at:at + (1 << 20)])
        return c.sock.recv(1) == b""
    except (BrokenPipeError, ConnectionResetError):
        return True


@case
def a_line_without_end_is_cut_off():
    with bystander() as d:
        with stranger(d) as c:
            assert send_until_closed(c, b"x" * (64 << 20))
        until(lambda: ended(d)["line-too-long"] == 1, "it is counted")
        size = int(open(f"/proc/{d.process.pid}/statm", encoding="ascii").read().split()[1])
        assert size * os.sysconf("SC_PAGESIZE") < 200 << 20


@case
def half_a_message_waits_and_bothers_nobody():
    with bystander() as d:
        half = [stranger(d) for _ in range(20)]
        for c in half:
            c.send(HELLO[:20])
        for c in half:
            c.send(HELLO[20:])
            assert c.line()["result"]
            c.close()


@case
def nonsense_is_answered_as_such():
    nonsense = [b"", b"{", b"[]", b"null", b'"x"', b"{}", b'{"jsonrpc":"1.0","id":1,"method":"x"}',
                b'{"jsonrpc":"2.0","id":{},"method":"hello"}', b"\xff\xfe", b"\x00", b"[" * 5000,
                b'{"jsonrpc":"2.0","id":1,"method":"hello","params":[]}',
                b'{"jsonrpc":"2.0","id":1,"method":"hello","fds":1000}',
                b'{"jsonrpc":"2.0","id":1,"result":{}}',
                b'{"jsonrpc":"2.0","id":1,"id":2,"method":"hello"}']
    with bystander() as d, stranger(d) as c:
        for line in nonsense:
            c.send(line + b"\n")
            answer = c.line()
            assert answer["error"]["code"] in (-32700, -32600), (line, answer)
        c.send(HELLO)
        assert c.line()["result"]


@case
def one_that_never_reads_is_not_read_from_either():
    with bystander("--max-requests", "0") as d, stranger(d) as c:
        request = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "introspect"}).encode() + b"\n"
        c.sock.setblocking(False)
        sent = 0
        with contextlib.suppress(BlockingIOError):
            while sent < 64 << 20:
                sent += c.sock.send(request * 100)
        assert sent < 64 << 20, "it was read from without end"
        c.close()
        until(lambda: json.loads(d.epair("stats", "--daemon"))["connections"] == 2, "it is closed")


def anonymous(d):
    """Octets of memory that the daemon has of its own."""
    with open(f"/proc/{d.process.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith("RssAnon:"))


@case
def one_that_always_leaves_something_unread_costs_no_more_than_that():
    with bystander("--max-requests", "0") as d, stranger(d) as c:
        request = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "introspect"}).encode() + b"\n"
        over = threading.Event()

        def ask():
            with contextlib.suppress(OSError):
                while not over.is_set():
                    c.sock.sendall(request * 10)

        def waiting():
            return struct.unpack("i", fcntl.ioctl(c.sock, termios.FIONREAD, b"\0" * 4))[0]
        asker = threading.Thread(target=ask)
        asker.start()
        before = had = 0
        while had < 16 << 20:
            # There is more behind, which is written when most of this has been read.
            until(lambda: waiting() > 64 << 10, "answers wait")
            while waiting() > 32 << 10:
                had += len(c.sock.recv(16 << 10))
            if before == 0 and had > 3 << 20:
                before = anonymous(d)
        grown = anonymous(d) - before
        over.set()
        c.sock.shutdown(2)
        asker.join()
        # A sanitizer keeps what was freed.
        sanitized = b"san_init" in subprocess.run(["nm", "-D", d.args[0]], check=True,
                                                  capture_output=True).stdout
        assert sanitized or grown < 6 << 20, grown


@case
def a_flood_of_requests_is_slowed_to_its_share():
    with bystander("--max-requests", "50") as d:
        stop = threading.Event()

        def flood(c):
            c.sock.settimeout(0.2)
            while not stop.is_set():
                with contextlib.suppress(TimeoutError):
                    c.sock.sendall(HELLO * 1000)
        # Made here: who connects is a matter of the process.
        flooders = [stranger(d) for _ in range(4)]
        threads = [threading.Thread(target=flood, args=[c]) for c in flooders]
        for thread in threads:
            thread.start()
        with d.client() as c:
            before = c.result("daemon")["requests"]
            for _ in range(200):
                c.result("hello")
            after = c.result("daemon")["requests"]
        stop.set()
        for thread, c in zip(threads, flooders):
            thread.join()
            c.close()
        # Ours, and not many of theirs for each: they had the same turns otherwise.
        assert after - before < 200 + 4 * 400, after - before


@case
def thousands_of_connections_are_turned_away():
    with bystander("--max-clients", "20", "--max-clients-user", "10") as d:
        if os.geteuid() != 0:
            return
        held = []
        for _ in range(2000):
            # As fast as there is room for one more that waits to be accepted.
            with contextlib.suppress(BlockingIOError):
                held.append(stranger(d))
            if len(held) > 100:
                held.pop(0).close()
        for c in held:
            c.close()
        count = ended(d)
        assert count["too-many-user"] > 100, count
        with stranger(d) as c:
            until(lambda: json.loads(d.epair("stats", "--daemon"))["connections"] < 10, "they go")
        with stranger(d) as c:
            c.send(HELLO)
            assert c.line()["result"]["admin"] is False


@case
def descriptors_that_nobody_asked_for_end_the_connection():
    with bystander() as d:
        null = os.open("/dev/null", os.O_RDWR)
        for count, request in [(1, HELLO), (60, HELLO),
                               (0, HELLO.replace(b'"method"', b'"fds":1,"method"'))]:
            with stranger(d) as c:
                c.send(request, [null] * count)
                while c.line() is not None:
                    pass
        os.close(null)
        until(lambda: ended(d)["descriptors"] == 3, "they are counted")
        fds = len(os.listdir(f"/proc/{d.process.pid}/fd"))
        assert fds < 60, fds


@case
def a_client_that_goes_in_the_midst_of_a_change_leaves_it_whole():
    with bystander() as d, d.client() as c:
        for _ in range(20):
            with d.client() as gone:
                pairs = [{"name": f"epair{n}"} for n in range(1, 1001)]
                gone.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "apply",
                                      "params": {"pairs": pairs}}).encode() + b"\n")
            c.result("hello")
        until(lambda: c.result("daemon")["usage"]["pairs"] in (1, 1001), "it is whole")
        assert c.result("create", name="epair5000")["made"]


@case
def what_a_client_asked_before_it_went_is_done():
    with Daemon() as d, d.client() as c:
        for n in range(1, 6):
            # More than is read at once.
            with d.client() as gone:
                gone.send(b'{"jsonrpc":"2.0","id":1,"method":"create"}\n' * 200 + HELLO[:20])
            until(lambda n=n: c.result("daemon")["usage"]["pairs"] == 200 * n, "all are made")
        until(lambda: c.result("daemon")["connections"] == 1, "they are closed")


@case
def change_that_waits_when_the_daemon_ends_is_refused_in_words():
    with Daemon() as d, d.client() as busy, d.client() as waiting, d.client() as c:
        pairs = [{"name": f"epair{n}"} for n in range(20000)]
        busy.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "apply",
                              "params": {"pairs": pairs}}).encode() + b"\n")
        until(lambda: c.result("daemon")["usage"]["pairs"] > 0, "it is being done")
        waiting.send(b'{"jsonrpc":"2.0","id":1,"method":"create"}\n')
        # One of its requests is taken between any two of ours; it may be read after the first.
        for _ in range(5):
            c.result("hello")
        d.process.terminate()
        # The other one's answer may be longer than a socket takes at once.
        answer = waiting.line()
        assert "result" in answer or answer["error"]["data"]["errno"] == "ESHUTDOWN", answer
        assert waiting.line() is None


main()
