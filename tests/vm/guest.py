# SPDX-License-Identifier: BSD-2-Clause
"""Whole machines for a test, booted from nothing but packages of Debian.

    guest.prepare()                 before anything else: needs the network; or
                                    run this, with BUILD_ROOT, to have it done
    with guest.Qemu(netdev) as g:   a Linux under QEMU (TCG), booted
        g.run("ip addr ...")        its shell, by the serial console

The kernel is Debian's cloud kernel: the installed one, or else its package is
fetched and unpacked, once for each build folder; a kernel installed for a test
would end up in somebody's boot menu. All else of the guest is busybox.
"""
import glob
import os
import re
import select
import signal
import stat
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "net"))
import lab  # noqa: E402

FOLDER = os.path.join(os.environ.get("BUILD_ROOT", tempfile.gettempdir()), "guest")
KERNEL = os.path.join(FOLDER, "vmlinuz")
INITRD = os.path.join(FOLDER, "initrd")
BUSYBOX = "/bin/busybox"
MIB = "160"
PATIENCE = 60  # seconds to boot, on a machine with other things to do

# The file that is moved; more where somebody has the time.
FILE_MIB = int(os.environ.get("EPAIR_VM_MIB", "16"))

# What a machine offers, behind http:// and its address.
OFFERED = ":8001/cgi-bin/f"

# In the order in which they are loaded.
MODULES = ["net/core/failover", "drivers/net/net_failover", "drivers/virtio/virtio_ring",
           "drivers/virtio/virtio", "drivers/virtio/virtio_pci_modern_dev",
           "drivers/virtio/virtio_pci_legacy_dev", "drivers/virtio/virtio_pci",
           "drivers/net/virtio_net"]

# One command a line comes in; what it printed, and its status, go out.
INIT = """#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /tmp
/bin/busybox --install -s /bin
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
for m in %s; do insmod /lib/$m.ko; done
stty -echo -onlcr </dev/console
echo @@ 0
while read -r line; do
	eval "$line"
	echo "@@ $?"
done
poweroff -f
"""


def archive(files):
    """A cpio archive (newc) as the kernel unpacks it: path -> (mode, octets)."""
    out = bytearray()

    def entry(path, mode, octets, number):
        name = path.encode() + b"\0"
        fields = (number, mode, 0, 0, 1, 0, len(octets), 0, 0, 0, 0, len(name), 0)
        out.extend(b"070701" + b"".join(b"%08x" % f for f in fields) + name)
        out.extend(bytes(-len(out) % 4))
        out.extend(octets)
        out.extend(bytes(-len(out) % 4))

    for number, (path, (mode, octets)) in enumerate(files.items(), 1):
        entry(path, mode, octets, number)
    entry("TRAILER!!!", 0, b"", 0)
    return bytes(out)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def write(path, octets):
    """As a whole or not at all."""
    with open(path + ".new", "wb") as file:
        file.write(octets)
    os.rename(path + ".new", path)


def installed():
    """Kernel and modules of an installed cloud kernel, or None."""
    for kernel in sorted(glob.glob("/boot/vmlinuz-*-cloud-amd64"), reverse=True):
        modules = "/lib/modules/" + os.path.basename(kernel).partition("-")[2]
        if os.path.exists(f"{modules}/kernel/{MODULES[-1]}.ko"):
            return kernel, modules
    return None


def fetched(folder):
    """The same out of the package that linux-image-cloud-amd64 stands for."""
    depends = subprocess.run(["apt-cache", "depends", "--important", "linux-image-cloud-amd64"],
                             capture_output=True, text=True).stdout
    package = re.search(r"Depends: (linux-image-\S+-cloud-amd64)", depends)
    if package is None:
        return None
    subprocess.run(["apt-get", "-qq", "download", package[1]], cwd=folder, capture_output=True)
    debs = glob.glob(folder + "/*.deb")
    if not debs:
        return None
    subprocess.run(["dpkg-deb", "-x", debs[0], folder], check=True)
    return glob.glob(folder + "/boot/vmlinuz-*")[0], glob.glob(folder + "/lib/modules/*")[0]


def prepare():
    """Make kernel and initrd, or skip the test."""
    if os.environ.get("LAB") == "in":
        return
    lab.need("qemu-system-x86_64")
    if not os.path.exists(BUSYBOX):
        lab.skip("there is no " + BUSYBOX)
    if os.path.exists(INITRD):
        return
    os.makedirs(FOLDER, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        os.chmod(folder, 0o755)
        found = installed() or fetched(folder)
        if found is None:
            lab.skip("no linux-image-cloud-amd64 is installed or to be had by apt-get download")
        kernel, modules = found
        files = {"dev": (stat.S_IFDIR | 0o755, b""), "bin": (stat.S_IFDIR | 0o755, b""),
                 "lib": (stat.S_IFDIR | 0o755, b""),
                 "bin/busybox": (stat.S_IFREG | 0o755, read(BUSYBOX))}
        names = []
        for module in MODULES:
            path = f"{modules}/kernel/{module}.ko"
            if os.path.exists(path):  # else it is built in
                names.append(os.path.basename(module))
                files[f"lib/{names[-1]}.ko"] = (stat.S_IFREG | 0o644, read(path))
        files["init"] = (stat.S_IFREG | 0o755, (INIT % " ".join(names)).encode())
        write(KERNEL, read(kernel))
        write(INITRD, archive(files))


class Machine:
    """What has a shell on its standard input and output, each line answered by @@ STATUS."""

    def __init__(self, *words, **more):
        self.said = ""
        self.process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        **more)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def booted(self):
        self.answer(PATIENCE)
        return self

    def answer(self, seconds):
        """What it says until its next status, and that."""
        end = time.monotonic() + seconds
        while (found := re.search(r"^@@ (\d+)\r?\n", self.said, re.MULTILINE)) is None:
            ready = select.select([self.process.stdout], [], [], max(0, end - time.monotonic()))
            octets = os.read(self.process.stdout.fileno(), 65536) if ready[0] else b""
            lab.check(octets, "the guest fell silent:", self.said[-2000:])
            self.said += octets.decode(errors="replace")
        text, self.said = self.said[:found.start()], self.said[found.end():]
        return text.replace("\r", ""), int(found[1])

    def start(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def run(self, line, seconds=lab.SECONDS):
        self.start(line)
        text, status = self.answer(seconds)
        lab.equal(status, 0, f"{line}: {text}: exit status")
        return text

    def loses_none(self, address, words):
        """So many pings, each answered, once one was. A guest hears what is asked by ARP
        while its device comes up and knows the asker by it, but cannot answer yet: so
        its own first pings may wait a second until they are asked again.
        """
        self.run(f"until ping -q -c 1 -W 1 {address}; do :; done")
        text = self.run(f"ping {words} {address}")
        lab.check(" 0% packet loss" in text, text)

    def offer(self, mib):
        """Serve random octets at OFFERED; their checksum. A MiB again and again: all at
        once need not fit into the guest."""
        self.run("mkdir -p /tmp/www/cgi-bin; cd /tmp/www; dd if=/dev/urandom of=m bs=1M count=1 2>&1")
        self.run(f"echo 'for i in $(seq {mib}); do cat /tmp/www/m; done' >all")
        self.run("printf '#!/bin/sh\\necho Content-Type: application/octet-stream\\necho\\n"
                 ". /tmp/www/all\\n' >cgi-bin/f; chmod +x cgi-bin/f; httpd -p 8001 -h /tmp/www")
        return self.run("sh all | sha256sum", seconds=60 + mib).split()[0]

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()


def shared_memory(mib):
    """What vhost-user takes of a machine."""
    return ("-object", f"memory-backend-memfd,id=mem,size={mib}M,share=on",
            "-numa", "node,memdev=mem")


class Qemu(Machine):
    """A Linux guest with a virtio network device on a netdev, whose id is n."""

    def __init__(self, netdev, address="10.0.0.2/24", mac="52:54:00:00:00:02", more=(), keys="",
                 before=()):
        super().__init__(
            *before, "qemu-system-x86_64", "-M", "q35", "-cpu", "qemu64", "-m", MIB, "-nodefaults",
            "-display", "none", "-no-reboot", "-serial", "stdio", "-kernel", KERNEL,
            "-initrd", INITRD, "-append",
            "console=ttyS0 quiet panic=-1 mitigations=off nokaslr no_timer_check",
            "-netdev", netdev + ",id=n", "-device", f"virtio-net-pci,netdev=n,mac={mac}{keys}", *more)
        self.address = address

    def booted(self):
        super().booted()
        self.run(f"ip addr add {self.address} dev eth0")
        self.run("ip link set eth0 up")
        return self


class VhostQemu(Qemu):
    """The same on a back end of vhost-user at a path, with its memory shared."""

    def __init__(self, path, chardev="", netdev="", keys="", more=(), **rest):
        # vectors=0: with interrupts by message QEMU 7.2 crashes under TCG.
        super().__init__(
            "vhost-user,chardev=c" + netdev, keys=",vectors=0" + keys,
            more=(*shared_memory(MIB), "-chardev", f"socket,id=c,path={path}{chardev}", *more),
            **rest)


class Uml(Machine):
    """User-mode-linux, with a device of its transport bess, connected to a socket."""

    def __init__(self, path, address="10.0.0.2/24"):
        # -R: with randomised addresses it is flaky. A group, for its processes are many.
        super().__init__(
            "setarch", "x86_64", "-R", "linux.uml", "mem=128M", "initrd=" + INITRD, "quiet",
            "root=/dev/ram0", "con=null", "con0=fd:0,fd:1", f"vec0:transport=bess,dst={path}",
            start_new_session=True, stderr=subprocess.DEVNULL)
        self.address = address

    def booted(self):
        super().booted()
        self.run(f"ip addr add {self.address} dev vec0")
        self.run("ip link set vec0 up")
        return self

    def kill(self):
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        super().kill()


def stream_server(path):
    return f"stream,server=on,addr.type=unix,addr.path={path}"


def dgram(path, remote):
    return (f"dgram,local.type=unix,local.path={path},"
            f"remote.type=unix,remote.path={remote}")


# QEMU has no netdev that makes a connection of packets, but its dgram takes one that
# stands: as descriptor 9, made by what becomes QEMU.
PACKETS = "dgram,local.type=fd,local.str=9"


def with_packets(path):
    """The words before QEMU's own."""
    return (sys.executable, "-c", "import os, socket, sys\n"
            "with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:\n"
            "    sock.connect(sys.argv[1])\n"
            "    os.dup2(sock.fileno(), 9)\n"
            "os.execvp(sys.argv[2], sys.argv[2:])", path)


def hub(*netdevs):
    """QEMU without a machine: netdevs n0, n1 ... on one hub. Gives the process."""
    words = ["qemu-system-x86_64", "-M", "none", "-nodefaults", "-display", "none"]
    for i, netdev in enumerate(netdevs):
        words += ["-netdev", f"{netdev},id=n{i}",
                  "-netdev", f"hubport,id=h{i},hubid=0,netdev=n{i}"]
    return subprocess.Popen(words, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def sockets():
    """A folder for sockets, short enough for their paths."""
    return tempfile.TemporaryDirectory(prefix="epair-vm-", dir="/tmp")


SERVE = """
import hashlib, http.server, os, sys
block = os.urandom(1 << 20)
mib = int(sys.argv[1])
digest = hashlib.sha256()
for _ in range(mib):
    digest.update(block)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(mib << 20))
        self.end_headers()
        for _ in range(mib):
            self.wfile.write(block)
    def log_message(self, *_):
        pass
server = http.server.HTTPServer((sys.argv[2], 8000), Handler)
print(digest.hexdigest(), flush=True)
server.serve_forever()
"""

FETCH = """
import hashlib, sys, urllib.request
print(hashlib.sha256(urllib.request.urlopen(sys.argv[1]).read()).hexdigest())
"""


def serve(netns):
    """A web server in a namespace that gives FILE_MIB random MiB. Gives it and their checksum."""
    server = netns.start(sys.executable, "-c", SERVE, str(FILE_MIB), "10.0.0.1", text=True,
                         stdout=subprocess.PIPE)
    return server, server.stdout.readline().strip()


def fetch(machine):
    return machine.run("wget -q -O - http://10.0.0.1:8000/ | sha256sum",
                       seconds=60 + 4 * FILE_MIB).split()[0]


def moves_files(machine, red):
    server, digest = serve(red)
    lab.equal(fetch(machine), digest, "the guest's checksum")
    server.kill()
    server.communicate()
    digest = machine.offer(8)
    got = red.run(sys.executable, "-c", FETCH, "http://10.0.0.2" + OFFERED, timeout=60)
    lab.equal(got.strip(), digest, "the namespace's checksum")


@contextmanager
def pinging(netns, address):
    """All the while, and there were answers."""
    ping = netns.start("ping", "-i", "0.1", address, stdout=subprocess.PIPE, text=True)
    yield
    ping.send_signal(signal.SIGINT)
    answers = [line for line in ping.communicate()[0].splitlines() if "time=" in line]
    lab.check(len(answers) > 10, "answers to", answers)


def has_carrier(machine, wanted):
    lab.until(lambda: machine.run("cat /sys/class/net/eth0/carrier").strip() == wanted,
              f"the guest's carrier to be {wanted}")


if __name__ == "__main__":
    prepare()
