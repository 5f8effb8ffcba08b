#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""netns= takes the name of a container: of podman's or docker's, where there is such a tool.

The namespace is a real one. What knows it is a script in the place of podman, and in the last
case podman.
"""
import json
import os
import shutil
import subprocess
import tempfile

from daemon import Daemon
from harness import Running, Skip, case, main, need, need_root, need_tun, own_namespaces, run, until


class Containers:
    """Engines in a PATH of their own, and one process in a network namespace of its own."""

    def __init__(self):
        need_root()
        need_tun()
        self.folder = tempfile.TemporaryDirectory(prefix="epair-test-")
        self.env = os.environ | {"PATH": f"{self.folder.name}:/usr/bin:/bin:/usr/sbin:/sbin"}
        self.process = self.begin()
        self.netns = f"/proc/{self.process.pid}/ns/net"
        for engine in "podman", "docker":
            self.answers(engine, {})

    def begin(self):
        process = subprocess.Popen(["unshare", "-n", "sh", "-c", "echo; exec sleep 600"],
                                   stdout=subprocess.PIPE)
        assert process.stdout.readline() == b"\n"
        return process

    def answers(self, engine, containers):
        """Have it know containers: NAME to what it prints."""
        path = os.path.join(self.folder.name, engine)
        lines = [f'    {name}) echo "{text}"; exit ;;' for name, text in containers.items()]
        script = "\n".join([
            "#!/bin/sh",
            f'echo "$0 $5" >> {self.folder.name}/asked',
            '[ "$1 $2 $3" = "container inspect -f" ] || exit 125',
            'case "$5" in', *lines, "esac",
            'echo "Error: no such container $5" >&2', "exit 125", ""])
        with open(path, "w", encoding="utf-8") as f:
            f.write(script)
        os.chmod(path, 0o755)

    def asked(self):
        path = os.path.join(self.folder.name, "asked")
        if not os.path.exists(path):
            return []
        with open(path, encoding="utf-8") as f:
            return [os.path.basename(line.strip()) for line in f]

    def devices(self):
        out = subprocess.run(["nsenter", f"--net={self.netns}", "ip", "-j", "link"], check=True,
                             capture_output=True).stdout
        return {link["ifname"] for link in json.loads(out)} - {"lo"}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()
        self.folder.cleanup()


@case
def run_puts_its_device_into_the_container():
    with Containers() as c:
        c.answers("podman", {"web": f"{c.process.pid} "})
        with Running("tap:netns=web,addr=10.0.0.1/24", "sink", "--json", env=c.env) as r:
            assert c.devices() == {"epair0a"}
            doc = json.loads(r.end()[0])
        assert doc["interfaces"][0]["attachment"] == f"tap:netns={c.netns},addr=10.0.0.1/24"
        assert c.asked() == ["podman web"]


@case
def what_podman_does_not_know_docker_is_asked():
    with Containers() as c:
        c.answers("docker", {"web": f"{c.process.pid} <no value>"})
        with Running("echo", "tap:name=eth7,netns=web", env=c.env):
            assert c.devices() == {"eth7"}
        assert c.asked() == ["podman web", "docker web"]


@case
def the_file_that_the_engine_keeps_is_taken_if_it_is_that_namespace():
    with Containers() as c:
        own, other = (os.path.join(c.folder.name, name) for name in ("own,key", "other"))
        for path, source in (own, c.netns), (other, "/proc/self/ns/net"):
            with open(path, "wb"):
                pass
            subprocess.run(["mount", "--bind", source, path], check=True)
        try:
            c.answers("podman", {"web": f"{c.process.pid} {own}", "odd": f"{c.process.pid} {other}"})
            for name, took in ("web", own.replace(",", "\\,")), ("odd", c.netns):
                doc = run("run", "--json", "--count", "1", "source", f"tap:netns={name}",
                          status=0, env=c.env).out
                assert json.loads(doc)["interfaces"][1]["attachment"] == f"tap:netns={took}", doc
        finally:
            subprocess.run(["umount", own, other], check=True)


@case
def the_verbs_of_a_daemon_take_it_and_lose_it_with_the_container():
    with Containers() as c, Daemon() as d:
        def epair(*args):
            return d.epair(*args, env=c.env)

        def attachments():
            return [d.json("show", f"epair{i}a")[0]["attachment"] for i in range(3)]

        c.answers("podman", {"web": f"{c.process.pid} "})
        spec = f"tap:netns={c.netns}"
        epair("create")
        epair("attach", "epair0a", "tap:netns=web")
        epair("create", "a.attach=tap:netns=web")
        wanted = os.path.join(c.folder.name, "wanted")
        with open(wanted, "w", encoding="utf-8") as f:
            f.write("vnets: [{name: red, kind: 'tap:netns=web'}]\n"
                    "pairs: [{name: epair2, a: {attach: 'tap:netns=web'}}]\n")
        epair("apply", wanted)
        assert attachments() == [spec] * 3
        assert c.devices() == {"epair0a", "epair1a", "epair2a"}
        again = epair("apply", "--dry-run", wanted)
        assert again == "", again
        epair("vnet", "add", "blue", "tap:netns=web")
        epair("create", "epair3", "--vnet", "blue")
        kinds = {v["name"]: v.get("kind") for v in d.json("vnet", "list")}
        assert kinds == {"vnet0": None, "red": spec, "blue": spec}, kinds
        assert "epair3b" in c.devices()
        assert "epair3b" in epair("exec", "blue", "ip", "-br", "link")
        # A vnet may be made before its namespace is.
        epair("vnet", "add", "later", "tap:netns=later")
        # Begun again it is in another namespace: what is wanted is not what there is.
        former, c.process = c.process, c.begin()
        c.answers("podman", {"web": f"{c.process.pid} "})
        with open(wanted, "w", encoding="utf-8") as f:
            f.write("pairs: [{name: epair2, a: {attach: 'tap:netns=web'}}]\n")
        assert f"netns={c.netns}" not in epair("apply", "--dry-run", wanted) != ""
        former.kill()
        former.communicate()
        until(lambda: attachments() == [""] * 3, "it is detached when its process has ended")


@case
def what_cannot_be_is_said_by_name():
    with Containers() as c, Daemon() as d:
        c.answers("podman", {"stopped": "0 "})
        d.epair("create")
        for spec, words in (("tap:netns=nobody", ["no container of that name", "/run/netns/nobody"]),
                            ("tap:netns=stopped", ["container of podman does not run"])):
            for args in ["run", spec, "sink"], ["--socket", d.socket, "attach", "epair0a", spec]:
                err = run(*args, status=1, env=c.env).err
                assert all(word in err for word in words), err
        assert d.json("show", "epair0a")[0]["attachment"] == ""
        # Where there is no engine nothing is said of any.
        os.unlink(os.path.join(c.folder.name, "podman"))
        os.unlink(os.path.join(c.folder.name, "docker"))
        err = run("run", "tap:netns=nobody", "sink", status=1,
                  env=c.env | {"PATH": c.folder.name}).err
        assert "container" not in err and "/run/netns/nobody" in err, err


@case
def nobody_is_asked_what_the_library_knows():
    with Containers() as c:
        subprocess.run(["ip", "netns", "add", "epair-web"], check=True)
        try:
            for spec in ("tap:netns=epair-web", f"tap:netns={c.process.pid}",
                         f"tap:netns={c.netns}", "tap:netns=new", "echo"):
                run("run", "--count", "1", "source", spec, status=0, env=c.env)
            for spec in "tap:netns=-f", "tap:netns=a b", "tap:name=netns\\,netns=web,netns=x/y":
                run("run", "source", spec, env=c.env)
        finally:
            subprocess.run(["ip", "netns", "del", "epair-web"], check=True)
        assert c.asked() == []


@case
def a_container_of_podman():
    need("podman")
    need("busybox")
    with Containers() as c:
        root = os.path.join(c.folder.name, "root")
        for folder in "bin", "proc", "sys", "dev", "etc", "run", "tmp":
            os.makedirs(os.path.join(root, folder))
        shutil.copy(shutil.which("busybox"), os.path.join(root, "bin/busybox"))
        # Storage of the test's own, and limits that a container of ours may have.
        for name, text in (
                ("storage.conf", '[storage]\ndriver = "vfs"\n'
                 f'graphroot = "{c.folder.name}/graph"\nrunroot = "{c.folder.name}/run"\n'),
                ("containers.conf", '[containers]\ndefault_ulimits = ["nofile=999:999", '
                 '"nproc=999:999"]\n[engine]\nruntime = "runc"\nevents_logger = "none"\n'
                 f'tmp_dir = "{c.folder.name}/tmp"\n')):
            with open(os.path.join(c.folder.name, name), "w", encoding="utf-8") as f:
                f.write(text)
        env = os.environ | {"CONTAINERS_STORAGE_CONF": os.path.join(c.folder.name, "storage.conf"),
                            "CONTAINERS_CONF": os.path.join(c.folder.name, "containers.conf")}
        begun = subprocess.run(["podman", "run", "-d", "--name", "epair-web", "--network", "none",
                                "--rootfs", root, "/bin/busybox", "sleep", "600"], env=env,
                               capture_output=True, check=False, text=True)
        try:
            if begun.returncode != 0:
                raise Skip(f"podman starts no container here: {begun.stderr.strip()[-200:]}")
            with Running("tap:netns=epair-web,addr=10.0.0.1/24", "echo:addr=10.0.0.2/24", env=env):
                subprocess.run(["podman", "exec", "epair-web", "/bin/busybox", "ping", "-c", "1",
                                "10.0.0.2"], env=env, check=True, capture_output=True)
        finally:
            subprocess.run(["podman", "rm", "-f", "-t", "0", "epair-web"], env=env, check=False,
                           capture_output=True)
            # Somebody of podman's cleans up behind it.
            until(lambda: subprocess.run(["pgrep", "-f", c.folder.name], capture_output=True,
                                         check=False).returncode != 0, "podman has ended")


own_namespaces()
main()
