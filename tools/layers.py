#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Fail when a file includes what it may not know.

    layers.py [ROOT]

One source of truth: ORDER below is the sentence "who may know whom".

    base < {mbuf, sched} < queue < net < {rss, qdisc, impair, capture}
         < pair < attach < api < ctl

- A file includes its own folder and anything to the left; neighbours in one
  brace do not know each other.
- A subfolder (attach/tap) sees the files at the root of its own layer and
  itself, never its siblings; the root does not see into it, but a registry
  may: REGISTRIES.
- x_priv.h is private to its folder.
- A program (cli, daemon, examples) sees <epair/...> and its own folder only.
"""
import pathlib
import re
import sys

ORDER = [["base"], ["mbuf", "sched"], ["queue"], ["net"], ["rss", "qdisc", "impair", "capture"],
         ["pair"], ["attach"], ["api"], ["ctl"]]
LAYER = {name: i for i, row in enumerate(ORDER) for name in row}

# Folders of src/ that are programs, or for programs: no layer includes them, and
# they see no further than the named one.
PROGRAMS_IN_SRC = {"opener": "attach", "confine": "base", "keeper": "ctl"}

# Programs on top of the public interface, and the files of src/ they may see.
PROGRAMS = {
    "cli": re.compile(r"ctl/(client|codec\w*|fail)\.h|confine/confine\.h"),
    "daemon": re.compile(r"ctl/\w+\.h|cli/(cli|opts)\.h|confine/confine\.h"),
    "extcap": re.compile(r"ctl/(client|codec\w*)\.h"),
    "examples": None,
}

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')


def includes(path):
    for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
        found = INCLUDE.match(line)
        if found:
            yield f"{path}:{number}", found[1] == "<", pathlib.PurePosixPath(found[2])


def sources(folder):
    return sorted(p for p in folder.rglob("*.[ch]"))


def library_fault(own, own_sub, name):
    """Why a file of src/own[/own_sub] may not include "name", or None."""
    if len(name.parts) == 1:
        return f'write "{own}/{name}": a path begins at src/'
    folder = name.parts[0]
    sub = name.parts[1] if len(name.parts) > 2 else None
    if folder not in LAYER and folder != own:
        return f"{folder}/ is in no layer"
    if folder == own:
        if sub is not None and sub != own_sub:
            return f"{own}/{own_sub or ''} may not know {own}/{sub}"
        return None
    mine = LAYER[PROGRAMS_IN_SRC[own]] + 0.5 if own in PROGRAMS_IN_SRC else LAYER[own]
    if LAYER[folder] > mine:
        return f"{own}/ may not know {folder}/"
    if LAYER[folder] == mine:
        return f"{own}/ and {folder}/ are neighbours"
    if name.name.endswith("_priv.h"):
        return f"{name} is private to {folder}/"
    return None


def library_faults(src):
    for path in sources(src):
        parts = path.relative_to(src).parts
        if len(parts) == 1 or (parts[0] not in LAYER and parts[0] not in PROGRAMS_IN_SRC):
            yield f"{path}: is in no layer"
            continue
        own, own_sub = parts[0], parts[1] if len(parts) > 2 else None
        for where, is_system, name in includes(path):
            if is_system and name.parts[0] in LAYER:
                yield f'{where}: write "{name}": <> is for what is installed'
            elif not is_system and name.parts[0] != "epair":
                fault = library_fault(own, own_sub, name)
                if fault:
                    yield f"{where}: {fault}"


def program_faults(root, program, allowed):
    for path in sources(root / program):
        for where, is_system, name in includes(path):
            if is_system or len(name.parts) == 1 or name.parts[0] == program:
                continue
            if allowed is None or not allowed.fullmatch(str(name)):
                yield f"{where}: {program}/ sees <epair/...> and itself, not {name}"


def public_faults(include):
    """An installed header cannot include what is not installed."""
    for path in sources(include):
        for where, is_system, name in includes(path):
            if not is_system:
                yield f"{where}: write <epair/{name.name}>: this header is installed"


def faults(root):
    yield from library_faults(root / "src")
    yield from public_faults(root / "include")
    for program, allowed in PROGRAMS.items():
        yield from program_faults(root, program, allowed)


if __name__ == "__main__":
    found = list(faults(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")))
    print("\n".join(found) or "layers: clean")
    sys.exit(bool(found))
