#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What epaird tells a service manager and takes from one, which is a socket of the test's own; and a
daemon of another version."""
import json
import os
import socket
import subprocess
import tempfile
import threading

from daemon import EPAIRD, Daemon
from harness import TIMEOUT, case, main, run


class Manager:
    """Who set NOTIFY_SOCKET."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.folder.name, "notify")
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.settimeout(TIMEOUT)
        self.sock.bind(self.path)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()
        self.folder.cleanup()

    def environment(self, **more):
        return dict(os.environ, NOTIFY_SOCKET=self.path, **more)

    def hear(self, word):
        """The message that has it, whatever comes before."""
        while True:
            lines = self.sock.recv(4096).decode().split("\n")
            if any(line.startswith(word) for line in lines):
                return dict(line.split("=", 1) for line in lines)


@case
def it_says_that_it_is_ready_alive_and_ending():
    with Manager() as manager:
        with Daemon(env=manager.environment(WATCHDOG_USEC="20000")) as d:
            assert manager.hear("READY=")["MAINPID"] == str(d.process.pid)
            for _ in range(3):
                manager.hear("WATCHDOG=1")
            d.epair("create")
            d.end()
        manager.hear("STOPPING=1")


@case
def it_is_quiet_where_nobody_asked():
    with Daemon() as d:
        d.epair("create")


@case
def a_takeover_tells_who_is_the_main_process_now():
    with tempfile.TemporaryDirectory() as state, Manager() as manager:
        with Daemon("--state", state, env=manager.environment()) as d:
            manager.hear("READY=")
            d.epair("create", "epair0", "a.descr=before")
            old, d.args = d.process, [*d.args, "--takeover"]
            d.start()
            assert old.wait(TIMEOUT) == 0
            old.communicate()
            assert manager.hear("READY=")["MAINPID"] == str(d.process.pid)
            assert "before" in d.epair("show", "epair0a")


@case
def a_socket_that_is_handed_over_is_served_and_left():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "socket")
        with socket.socket(socket.AF_UNIX) as sock:
            sock.bind(path)
            sock.listen()
            os.dup2(sock.fileno(), 3 + 97)
            script = f"exec 3<&100; LISTEN_PID=$$ LISTEN_FDS=1 exec {EPAIRD} --socket {path}"
            with subprocess.Popen(["bash", "-c", script], pass_fds=[100], stderr=subprocess.PIPE,
                                  start_new_session=True) as process:
                os.close(100)
                try:
                    assert run("--socket", path, "create", status=0).out == "epair0a\n"
                finally:
                    process.terminate()
                assert process.wait(TIMEOUT) == 0, process.stderr.read()
            assert os.path.exists(path), "it is the manager's"


def other_version(listener):
    """A daemon of version 9 that knows nothing but hello and vnets."""
    conn = listener.accept()[0]
    with conn, conn.makefile("rwb") as f:
        for line in f:
            request = json.loads(line)
            answer = {"jsonrpc": "2.0", "id": request["id"]}
            if request["method"] == "hello":
                answer["result"] = {"version": "9.0", "pid": 1, "uid": 0, "admin": True}
            else:
                answer["error"] = {"code": -32601, "message": "there is no such method",
                                   "data": {"errno": "ENOSYS"}}
            f.write(json.dumps(answer).encode() + b"\n")
            f.flush()


@case
def tool_and_daemon_of_different_versions_say_so_and_go_on():
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.join(folder, "socket"))
        listener.listen()
        server = threading.Thread(target=other_version, args=[listener])
        server.start()
        done = run("--socket", os.path.join(folder, "socket"), "destroy", "epair0a", status=1)
        server.join()
        assert "the daemon is version 9.0" in done.err, done.err
        assert "no such method" in done.err, done.err

def older(d, listener, clients):
    """A daemon that is as this one is, but for what it has learned since."""
    for _ in range(clients):
        conn = listener.accept()[0]
        with conn, conn.makefile("rwb") as f, d.client() as real:
            for line in f:
                request = json.loads(line)
                method, params = request["method"], request.get("params", {})
                if method == "show" and "detail" in params:
                    answer = {"error": {
                        "code": -32602, "data": {"errno": "EINVAL"},
                        "message": "unknown parameter 'detail'; known are if, vnet, stats, after"}}
                else:
                    answer = real.ask(method, **params)
                if method == "hello":
                    answer["result"]["version"] = "0.0.1"
                for known in answer.get("result", {}).get("methods", []):
                    known["params"] = [p for p in known["params"] if p["name"] != "detail"]
                f.write(json.dumps({**answer, "id": request["id"]}).encode() + b"\n")
                f.flush()


@case
def what_an_older_daemon_has_not_learned_is_left_out():
    looks = ("show", "epair0a"), ("stats", "epair0a"), ("stats",)
    with Daemon() as d, tempfile.TemporaryDirectory() as folder, \
            socket.socket(socket.AF_UNIX) as listener:
        d.epair("create")
        path = os.path.join(folder, "socket")
        listener.bind(path)
        listener.listen()
        server = threading.Thread(target=older, args=[d, listener, len(looks)], daemon=True)
        server.start()
        for look in looks:
            done = run("--socket", path, *look, status=0)
            assert "epair0a" in done.out and "the daemon is version 0.0.1" in done.err, done
        server.join(TIMEOUT)


main()
