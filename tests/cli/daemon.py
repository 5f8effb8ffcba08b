# SPDX-License-Identifier: BSD-2-Clause
"""A daemon of the test's own, and two ways to speak to it: the tool, and the protocol itself."""
import contextlib
import glob
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile

from harness import TIMEOUT, run, until

EPAIRD = os.environ.get("EPAIRD") or sys.exit("EPAIRD must name the daemon")


class Daemon:
    """epaird in a folder of its own; it must end well, unless it was killed."""

    def __init__(self, *args, **options):
        self.folder = tempfile.TemporaryDirectory(prefix="epaird-test-")
        os.chmod(self.folder.name, 0o755)
        self.socket = os.path.join(self.folder.name, "socket")
        self.args = [EPAIRD, "--socket", self.socket, *args]
        self.options = options
        self.start()

    def start(self):
        self.words = b""
        self.process = subprocess.Popen(self.args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, start_new_session=True,
                                        **self.options)
        until(self.answers, "the daemon answers")

    def answers(self):
        assert self.process.poll() is None, self.process.communicate()[1].decode()
        try:
            Client(self.socket).close()
            return True
        except OSError:
            return False

    def __enter__(self):
        return self

    def __exit__(self, *failed):
        status, errors = self.end()
        self.folder.cleanup()
        if failed == (None, None, None):
            assert status == 0, f"the daemon ended with {status}: {errors}"
        else:
            print("#", errors.replace("\n", "\n# "))

    def end(self, signum=signal.SIGTERM):
        """Give its exit status and what it said."""
        if self.process.poll() is None:
            self.process.send_signal(signum)
        errors = self.process.communicate(timeout=TIMEOUT)[1].decode()
        return self.process.returncode, errors

    def said(self):
        """What it has said by now to its standard error; end() gives what comes after."""
        os.set_blocking(self.process.stderr.fileno(), False)
        with contextlib.suppress(BlockingIOError):
            self.words += os.read(self.process.stderr.fileno(), 1 << 16)
        return self.words.decode()

    def epair(self, *args, status=0, **options):
        """Run a verb of the tool; give what it printed."""
        return run("--socket", self.socket, *args, status=status, **options).out

    def json(self, *args, **options):
        return json.loads(self.epair("-j", *args, **options))

    def refused(self, *args, status=1):
        """What the tool said of what it could not do."""
        return run("--socket", self.socket, *args, status=status).err

    def client(self):
        return Client(self.socket)


class Client:
    """The protocol, without the tool."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(TIMEOUT)
        try:
            self.sock.connect(path)
        except OSError:
            self.sock.close()
            raise
        self.lines = self.sock.makefile("rb")
        self.id = 0
        self.notified = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.lines.close()
        self.sock.close()

    def send(self, data, fds=()):
        sent = socket.send_fds(self.sock, [data], list(fds))
        if sent < len(data):
            self.sock.sendall(data[sent:])

    def line(self):
        """The next object, or None at the end."""
        line = self.lines.readline()
        return json.loads(line) if line else None

    def ask(self, method, fds=(), **params):
        """Put a request, and give its answer: the object with result or error."""
        self.id += 1
        request = {"jsonrpc": "2.0", "id": self.id, "method": method, "params": params}
        if fds:
            request["fds"] = len(fds)
        self.send(json.dumps(request).encode() + b"\n", fds)
        while True:
            answer = self.line()
            assert answer is not None, "the daemon closed the connection"
            if "method" not in answer:
                assert answer["id"] == self.id, answer
                return answer
            self.notified.append(answer)

    def result(self, method, **params):
        answer = self.ask(method, **params)
        assert "result" in answer, answer
        return answer["result"]

    def error(self, method, **params):
        """The errno's name and the sentence of a refusal."""
        answer = self.ask(method, **params)
        assert "error" in answer, answer
        return answer["error"]["data"]["errno"], answer["error"]["message"]


def keeper_of(mark):
    """The keeper with that in its environment, which is its daemon's."""
    for path in glob.glob("/proc/[0-9]*/environ"):
        try:
            with open(path, "rb") as f:
                is_marked = mark.encode() in f.read().split(b"\0")
            with open(os.path.dirname(path) + "/comm", encoding="ascii") as f:
                if is_marked and f.read() == "epair-keeper\n":
                    return int(path.split("/")[2])
        except OSError:
            continue
    return None
