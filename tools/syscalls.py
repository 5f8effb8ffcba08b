#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Make the list of system calls, and of requests of ioctl, that the sources make.

    syscalls.py ROOT > calls.inc

Of ROOT/src/confine/calls.txt, which says what a function calls, and of the
sources where those say it themselves: syscall(SYS_name, ...), ioctl(fd, NAME, ...).
The output is lines of CALL(name) and REQUEST(NAME), for src/confine/calls.c.
"""
import pathlib
import re
import sys

# Those whose sources are confined; the opener, which is not, is src/opener.
FOLDERS = ["src", "cli", "daemon"]
APART = ["src/opener", "src/confine"]

# As their names are written on architectures that we name in calls.txt.
WORDS = {"none", "before", "source"}


def table(root):
    """What calls.txt says: {function: system calls, or one of WORDS}."""
    said = {}
    path = root / "src/confine/calls.txt"
    for number, line in enumerate(path.read_text().splitlines(), 1):
        line = line.split("#")[0].strip()
        if not line:
            continue
        calls, colon, functions = line.partition(":")
        if not colon or not calls.split() or not functions.split():
            sys.exit(f"{path}:{number}: a line is SYSTEM CALLS: FUNCTIONS")
        for function in functions.split():
            said.setdefault(function, []).extend(calls.split())
    return said


def sources(root):
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*.[ch]")):
            if not any(root / apart in path.parents for apart in APART):
                yield path.read_text()


def found(root):
    """The system calls and ioctls that the sources name themselves."""
    calls, requests = set(), set()
    for text in sources(root):
        calls |= set(re.findall(r"\bsyscall\(\s*SYS_(\w+)", text))
        requests |= set(re.findall(r"\bioctl\(\s*[^;]*?,\s*([A-Z]\w+)\s*,", text))
    return calls, requests


def main(root):
    calls, requests = found(root)
    for named in table(root).values():
        calls |= set(named) - WORDS
    calls |= {"ioctl"}
    for name in sorted(calls):
        print(f"CALL({name})")
    for name in sorted(requests | {"TCGETS"}):
        print(f"REQUEST({name})")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
