#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""README's "Follow one frame" names functions that are where it says.

A step is written `file:function`; style(9) puts a function's name first on its
line, which is what we look for.
"""
import os
import pathlib
import re
import sys

root = pathlib.Path(os.environ["SOURCE_ROOT"])
readme = root / "README.md"
text = readme.read_text() if readme.exists() else ""
section = re.search(r"^#+ *Follow one frame\b(.*?)(?=^#+ |\Z)", text, re.DOTALL | re.MULTILINE)
if section is None:
    print('README.md has no section "Follow one frame" yet')
    sys.exit(77)

steps = re.findall(r"`([\w./-]+\.[ch]):(\w+)(?:\(\))?`", section[1])
faults = 0
for file, function in steps:
    path = root / file
    source = path.read_text() if path.exists() else ""
    if not re.search(rf"^{function}\(", source, re.MULTILINE):
        print(f"README.md: {file} does not define {function}()")
        faults += 1
print(f"{len(steps)} steps, {faults} faults")
sys.exit(faults > 0 or not steps)
