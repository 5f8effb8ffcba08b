#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The commands of doc/quickstart.md, rootless.md and labs.md are run, each in its order.

In a block, a line that begins with "# " is a command of root, with "$ " one of anybody; what
follows it is what it prints, if it is there at all.
"""
import os
import re
import subprocess
import tempfile

from daemon import EPAIRD
from harness import EPAIR, TIMEOUT, case, main, need_root, need_tun, own_namespaces

own_namespaces()

PAGES = os.path.join(os.environ["SOURCE_ROOT"], "doc")
NOBODY = 65534


def steps(page):
    """Commands, each with the lines that it is to print."""
    with open(os.path.join(PAGES, page), encoding="utf-8") as f:
        blocks = re.findall(r"^```\n(.*?)^```$", f.read(), re.DOTALL | re.MULTILINE)
    found = []
    for line in "\n".join(blocks).splitlines():
        if line.startswith(("# ", "$ ")):
            found.append((line[2:], []))
        elif found and line.strip() and not line.startswith((" ", "+")):
            found[-1][1].append(line)
    assert found, f"{page} has no commands"
    return found


def script(page):
    lines = ["set -euo pipefail", "trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT"]
    for command, printed in steps(page):
        lines.append(f"echo {command!r} >&2")
        lines.append(f"{command} >out" if printed else command)
        lines += [f"grep -qxF -- {line!r} out" for line in printed]
        if command.startswith("epaird"):
            lines.append("until epair show >/dev/null 2>&1; do sleep 0.01; done")
    return "\n".join(lines)


def run_page(page, **options):
    with tempfile.TemporaryDirectory(prefix="epair-test-") as folder:
        os.chmod(folder, 0o777)
        environment = dict(os.environ, XDG_RUNTIME_DIR=folder, HOME=folder,
                           PATH=":".join([os.path.dirname(EPAIR), os.path.dirname(EPAIRD),
                                          os.environ["PATH"]]))
        done = subprocess.run(["bash", "-c", script(page)], cwd=folder, env=environment,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=2 * TIMEOUT, check=False, **options)
    assert done.returncode == 0, f"{page}: {done.returncode}\n{done.stderr}\n{done.stdout}"


@case
def quickstart():
    need_root()
    need_tun()
    run_page("quickstart.md")


@case
def rootless():
    need_root()
    need_tun()
    # A node of our own that everybody may open, as udev makes it.
    with tempfile.TemporaryDirectory(prefix="epair-test-") as folder:
        node = os.path.join(folder, "tun")
        subprocess.run(["mknod", "-m", "666", node, "c", "10", "200"], check=True)
        subprocess.run(["mount", "--bind", node, "/dev/net/tun"], check=True)
    try:
        run_page("rootless.md", user=NOBODY, group=NOBODY, extra_groups=[])
    finally:
        subprocess.run(["umount", "/dev/net/tun"], check=True)


@case
def labs():
    need_root()
    need_tun()
    run_page("labs.md")


main()
