#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""systemd understands the units, and finds the system's little exposed: at most 3.0."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

EXPOSURE_MAX = 30 # tenths

root = pathlib.Path(os.environ["SOURCE_ROOT"])
daemon = os.environ.get("EPAIRD")
if daemon is None or shutil.which("systemd-analyze") is None:
    print("there is no daemon in this build" if daemon is None else "there is no systemd-analyze")
    sys.exit(77)

failed = False
with tempfile.TemporaryDirectory() as folder:
    environment = dict(os.environ, XDG_RUNTIME_DIR=folder, LD_LIBRARY_PATH="")
    for whose in "system", "user":
        units = pathlib.Path(folder) / whose
        units.mkdir()
        for unit in (root / "packaging/systemd" / whose).iterdir():
            text = unit.read_text().replace("@sbindir@", str(pathlib.Path(daemon).parent))
            (units / unit.name).write_text(text)
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", f"--{whose}",
                               *sorted(units.iterdir())],
                              env=environment, capture_output=True, text=True, check=False)
        # It warns with status 0, too, and of units of others.
        said = [line for line in done.stderr.splitlines() if str(units) in line or "epaird" in line]
        print(f"{whose}: status {done.returncode}", *said, sep="\n")
        failed = failed or done.returncode != 0 or said != []
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager",
                           f"--threshold={EXPOSURE_MAX}",
                           pathlib.Path(folder) / "system/epaird.service"],
                          env=environment, capture_output=True, text=True, check=False)
    print(done.stdout.splitlines()[-1] if done.stdout else done.stderr)
    if done.returncode != 0:
        print(*(line for line in done.stdout.splitlines() if line.startswith("✗")), sep="\n")
        failed = True
sys.exit(failed)
