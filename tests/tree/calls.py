#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""src/confine/calls.txt knows the functions that are imported, and no others.

A function that the sources begin to use would meet the filter of system calls
when it runs, perhaps at a user's; here it fails by name. And each has a system
call on arm64 if it has any.
"""
import fnmatch
import os
import pathlib
import re
import shutil
import subprocess
import sys

root = pathlib.Path(os.environ["SOURCE_ROOT"])
sys.path.insert(0, str(root / "tools"))
import syscalls  # noqa: E402

# Ours, and the runtime's.
PASSED = re.compile(r"epair_\w+|_ITM_\w+|__gmon_start__|__cxa_finalize|__assert_fail|__aarch64_\w+")
# Fortified, with large files, as C99 has it: one name for each function.
SPELLINGS = [(r"__(open)(64)?_2", r"\1"), (r"__(\w+)_chk", r"\1"), (r"__isoc\d\d_(\w+)", r"\1"),
             (r"(p(?:read|write)v)64v2", r"\g<1>2"), (r"(\w*[a-z])64", r"\1"),
             (r"__(environ)", r"\1")]


def spelled(name):
    for pattern, plain in SPELLINGS:
        name = re.sub(f"^{pattern}$", plain, name)
    return name


def imported(program):
    names = subprocess.run(["nm", "-D", "--undefined-only", "--format=posix", program], check=True,
                           capture_output=True, text=True).stdout
    for line in names.splitlines():
        name = line.split("@")[0].split()[0]
        if not PASSED.fullmatch(name):
            yield name


programs = [os.environ[key] for key in ("LIBEPAIR", "EPAIR", "EPAIRD") if os.environ.get(key)]
names = {name for program in programs for name in imported(program)}
if any(re.match("__(asan|tsan|ubsan)", name) for name in names):
    print("a sanitizer imports what it wants")
    sys.exit(77)

if os.environ.get("OPTIMIZATION") in ("0", "g", "plain"):
    print("without optimising, functions are imported that are inline elsewhere")
    sys.exit(77)

table = syscalls.table(root)
faults = []
used = set()
for name in sorted({spelled(name) for name in names}):
    fits = [known for known in table if fnmatch.fnmatchcase(name, known)]
    if fits:
        used.add(max(fits, key=len))
    else:
        faults.append(f"{name}: which system calls does it make? Add it to src/confine/calls.txt")
# Which of several that do the same is imported may be the compiler's choice.
needed = {call for name in used for call in table[name]}
for name in sorted(set(table) - used):
    if not set(table[name]) <= needed | {"none"}:
        faults.append(f"{name}: nothing imports it; take it out of src/confine/calls.txt")

if shutil.which("scmp_sys_resolver"):
    known = {}
    for name, calls in table.items():
        for call in set(calls) - syscalls.WORDS:
            if call not in known:
                found = subprocess.run(["scmp_sys_resolver", "-a", "aarch64", call],
                                       capture_output=True, text=True, check=False)
                known[call] = found.stdout.strip().isdecimal()
        if not set(calls) & syscalls.WORDS and not any(known[call] for call in calls):
            faults.append(f"{name}: none of its system calls is there on arm64")

print("\n".join(faults) or f"{len(names)} functions, {len(set(sum(table.values(), [])) - syscalls.WORDS)} system calls")
sys.exit(len(faults) > 0)
