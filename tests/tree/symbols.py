#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The headers, the symbol map and the library name the same calls.

What EPAIR_API declares is in the map, what is in the map is declared, and the
shared library exports exactly that.
"""
import os
import pathlib
import re
import subprocess
import sys

root = pathlib.Path(os.environ["SOURCE_ROOT"])
library = os.environ.get("LIBEPAIR")
if library is None:
    print("there is no shared library in this build")
    sys.exit(77)


def without_comments(path):
    return re.sub(r"/\*.*?\*/|#.*?$", "", path.read_text(), flags=re.DOTALL | re.MULTILINE)


declared = set()
for header in (root / "include" / "epair").glob("*.h"):
    declared |= set(re.findall(r"\bEPAIR_API\b[^;(]*?\b(\w+)\s*\(", without_comments(header)))
mapped = set(re.findall(r"\b(epair_\w+)\s*;", without_comments(root / "src/api/libepair.map")))
names = subprocess.run(["nm", "-D", "--defined-only", "--format=posix", library],
                       check=True, capture_output=True, text=True).stdout
exported = {line.split("@")[0].split()[0] for line in names.splitlines() if " A " not in line}

faults = 0
for what, names in [
        ("declared in a header, not in libepair.map", declared - mapped),
        ("in libepair.map, declared in no header", mapped - declared),
        ("in libepair.map, not in the library", mapped - exported),
        ("in the library, not in libepair.map", exported - mapped)]:
    for name in sorted(names):
        print(f"{name}: {what}")
        faults += 1
print(f"{len(exported)} symbols, {faults} faults")
sys.exit(faults > 0)
