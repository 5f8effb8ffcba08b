#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What is counted, for Prometheus: promtool's opinion, and what comes by HTTP, from anybody."""
import contextlib
import re
import socket
import subprocess

from daemon import Daemon
from harness import TIMEOUT, case, main, need, until


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


@contextlib.contextmanager
def serving():
    port = free_port()
    with Daemon("--metrics", str(port)) as d:
        d.epair("create")
        d.epair("attach", "epair0a", "source:count=100")
        d.epair("attach", "epair0b", "sink")
        d.epair("set", "epair0b", "up")
        d.epair("set", "epair0a", "up")
        until(lambda: value(d.epair("metrics"), "receive_delivered_total", "epair0b") == 100,
              "all have arrived")
        yield d, port


def value(text, name, interface):
    found = re.search(rf'^epair_interface_{name}{{vnet="vnet0",interface="{interface}"[^}}]*}} (\d+)$',
                      text, re.MULTILINE)
    return int(found[1]) if found else None


def connect(port):
    s = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT)
    return s


def answer(port, request):
    """The status and the rest of what comes until the end."""
    with connect(port) as s:
        s.sendall(request)
        got = b""
        with contextlib.suppress(ConnectionResetError):
            while more := s.recv(65536):
                got += more
    return (int(got.split()[1]) if got else None), got.decode()


GET = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n"


@case
def promtool_is_content():
    need("promtool")
    with serving() as (d, port):
        for text in d.epair("metrics"), answer(port, GET + b"\r\n")[1].split("\r\n\r\n")[1]:
            done = subprocess.run(["promtool", "check", "metrics"], input=text.encode(),
                                  capture_output=True, timeout=TIMEOUT, check=False)
            assert done.returncode == 0 and not done.stdout + done.stderr, done


@case
def every_counter_of_show_is_there():
    with serving() as (d, _):
        text = d.epair("metrics")
        shown = {i["ifname"]: i for i in d.json("show")}
        for name, i in shown.items():
            stats = i["stats"]
            for metric, counter in [
                    ("receive_packets_total", "ipackets"), ("receive_bytes_total", "ibytes"),
                    ("receive_multicast_total", "imcasts"), ("receive_errors_total", "ierrors"),
                    ("transmit_packets_total", "opackets"), ("transmit_bytes_total", "obytes"),
                    ("transmit_multicast_total", "omcasts"), ("transmit_errors_total", "oerrors"),
                    ("transmit_queue_drops_total", "oqdrops"), ("queue_frames", "queued"),
                    ("receive_delivered_total", "delivered")]:
                assert value(text, metric, name) == stats[counter], (name, metric, text)
        assert value(text, "receive_packets_total", "epair0b") == 100
        assert value(text, "link_up", "epair0a") == 1


@case
def drops_are_there_by_reason():
    with Daemon() as d:
        d.epair("create")
        d.epair("set", "epair0b", "up")
        d.epair("set", "epair0a", "up")
        d.epair("attach", "epair0a", "source:count=7")
        until(lambda: 'interface="epair0b",reason="rx-no-stack"} 7\n' in d.epair("metrics"),
              "they are dropped")


@case
def openmetrics_is_given_to_who_asks_for_it():
    with serving() as (d, port):
        for text in [d.epair("metrics", "--openmetrics"),
                     answer(port, GET + b"Accept: application/openmetrics-text;version=1.0.0,"
                            b"text/plain;q=0.5\r\n\r\n")[1]]:
            assert text.endswith("# EOF\n"), text
            assert "# TYPE epair_interface_receive_packets counter\n" in text
            assert value(text, "receive_packets_total", "epair0b") == 100


@case
def histograms_add_up():
    with serving() as (d, _):
        h = d.json("stats", "epair0b")[0]["histograms"]
        for text, one in (d.epair("metrics"), "1"), (d.epair("metrics", "--openmetrics"), "1.0"):
            for name, counts, total in [("receive_burst_frames", h["bursts"], 100),
                                        ("receive_wait_seconds", h["waits"], h["wait_ns"] / 1e9)]:
                found = re.findall(rf'^epair_interface_{name}_(\w+){{vnet="vnet0",interface='
                                   rf'"epair0b"(?:,le="(.*)")?}} (.*)$', text, re.MULTILINE)
                buckets = [int(n) for kind, _, n in found if kind == "bucket"]
                assert buckets == sorted(buckets) and buckets[-1] == sum(counts), text
                ends = {kind: float(n) for kind, le, n in found if le in ("", "+Inf")}
                assert ends["bucket"] == ends["count"] == sum(counts), found
                assert abs(ends["sum"] - total) < 1e-12, found
            assert f'receive_burst_frames_bucket{{vnet="vnet0",interface="epair0b",le="{one}"}}' in text
            # Who got nothing has none.
            assert 'receive_burst_frames_count{vnet="vnet0",interface="epair0a"}' not in text


@case
def what_is_no_request_for_metrics_is_refused():
    with serving() as (_, port):
        for request, status in [
                (GET + b"\r\n", 200), (b"GET /metrics?x=1 HTTP/1.0\n\n", 200),
                (b"HEAD /metrics HTTP/1.1\r\n\r\n", 200), (b"GET / HTTP/1.1\r\n\r\n", 404),
                (b"GET /metrics/../../etc/passwd HTTP/1.1\r\n\r\n", 404),
                (b"POST /metrics HTTP/1.1\r\n\r\n", 405), (b"GET /metrics HTTP/2\r\n\r\n", 400),
                (b"GET /metrics\r\n\r\n", 400), (b"\r\n\r\n", 400), (b"\0" * 100 + b"\n\n", 400),
                (GET + b"A: " + b"x" * 5000, 431)]:
            assert answer(port, request)[0] == status, (request, status)
        assert "epair_" not in answer(port, b"HEAD /metrics HTTP/1.1\r\n\r\n")[1]


@case
def who_says_nothing_keeps_nobody_else_out_for_long():
    with serving() as (d, port):
        idle = [connect(port) for _ in range(20)]
        try:
            # The tool is not kept out at all, and who is beyond the limit is told at once.
            assert value(d.epair("metrics"), "up", "epair0a") == 1
            closed = [s for s in idle[8:] if s.recv(1) == b""]
            assert len(closed) == 12
        finally:
            for s in idle:
                s.close()
        until(lambda: answer(port, GET + b"\r\n")[0] == 200, "there is room again")


@case
def an_address_that_is_none_is_refused():
    from daemon import EPAIRD
    for where in "x", "1:2:3", "localhost:80", "127.0.0.1:", ":1", "65536x", "70000":
        done = subprocess.run([EPAIRD, "--socket", "/tmp/epair-test-none", "--metrics", where],
                              capture_output=True, timeout=TIMEOUT, check=False)
        assert done.returncode != 0 and b"no address to listen on" in done.stderr, done
        assert done.stderr.count(b"\n") == 1, done


@case
def without_being_asked_it_does_not_listen():
    with Daemon() as d:
        done = subprocess.run(["ss", "-Hlntp"], capture_output=True, text=True, check=True)
        assert f"pid={d.process.pid}," not in done.stdout


if __name__ == "__main__":
    main()
