#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The man pages say what the headers do.

Each call has a page of its name, whose synopsis has its prototype; each struct
that a page shows has the fields that it has; each constant is explained
somewhere and none is that there is not; each drop reason stands in
epair-drops(7) with its sentence and its counter; and each page is installed and
refers to pages that there are.
"""
import os
import pathlib
import re
import sys

OURS = re.compile(r"\bEPAIR_[A-Z0-9_]*[A-Z0-9]\b")

root = pathlib.Path(os.environ["SOURCE_ROOT"])
faults = []


def squeeze(text):
    return " ".join(re.sub(r"/\*.*?\*/", " ", text, flags=re.DOTALL).split())


def spaceless(text):
    return re.sub(r"\s", "", squeeze(text))


headers = {p: p.read_text() for p in (root / "include" / "epair").glob("*.h")}
pages = {p: p.read_text() for p in (root / "man").glob("*.[1-9]")}
built = (root / "man" / "meson.build").read_text()
calls = {p: text for p, text in pages.items() if p.suffix == ".3"}


def declared():
    """name -> prototype, without EPAIR_API and spaces."""
    for text in headers.values():
        for found in re.finditer(r"\bEPAIR_API\b([^;]*?\b(\w+)\s*\([^;]*\));", squeeze(text)):
            yield found[2], spaceless(found[1])


def documented():
    """name, prototype, page of each .Ft .Fo .Fa .Fc"""
    block = re.compile(r'^\.Ft "?([^"\n]+)"?\n\.Fo (\w+)\n((?:\.Fa .*\n)+)\.Fc', re.MULTILINE)
    for page, text in calls.items():
        for found in block.finditer(text):
            args = [line[4:].strip('"') for line in found[3].splitlines()]
            yield found[2], spaceless(f"{found[1]} {found[2]}({','.join(args)})"), page


def check_calls():
    prototypes = dict(declared())
    seen = {}
    for name, prototype, page in documented():
        if prototypes.get(name) != prototype:
            faults.append(f"{page.name}: {name}() is not as a header declares it")
        if f"\n.Nm {name}" not in pages[page]:
            faults.append(f"{page.name}: no .Nm {name}: man {name} does not find it")
        seen[name] = page
    for name in sorted(prototypes.keys() - seen.keys()):
        faults.append(f"{name}(): no page has its prototype")


def check_structs():
    shape = re.compile(r"^(struct \w+) \{(.*?)^\};", re.DOTALL | re.MULTILINE)
    real = {m[1]: spaceless(m[2]) for text in headers.values() for m in shape.finditer(text)}
    shown = set()
    for page, text in calls.items():
        for found in shape.finditer(text.replace("\\e", "\\")):
            shown.add(found[1])
            if real.get(found[1]) != spaceless(found[2]):
                faults.append(f"{page.name}: {found[1]} has other fields in its header")
    for name in sorted(real.keys() - shown):
        faults.append(f"{name}: no page shows it")


def constants_of(header):
    text = re.sub(r"/\*.*?\*/|#ifndef.*?$|#endif.*?$", "", header, flags=re.DOTALL | re.MULTILINE)
    # Guards, and the macros that make a table into an enum, are nobody's business.
    not_told = re.findall(r"#undef (\w+)|#define (EPAIR_\w+_H)\b", text)
    names = set(OURS.findall(text)) - {name for pair in not_told for name in pair}
    for table in ("DROP", "EVENT"):
        rows = re.search(rf"#define EPAIR_{table}S\(X\)(.*?)^$", text, re.DOTALL | re.MULTILINE)
        if rows:
            names |= {f"EPAIR_{table}_{row}" for row in re.findall(r"\bX\((\w+),", rows[1])}
    return names


def check_constants():
    real = set().union(*map(constants_of, headers.values())) - {"EPAIR_API"}
    told = {name for text in pages.values()
            for name in OURS.findall(re.sub(r"^\.Dt .*", "", text, flags=re.MULTILINE))}
    for name in sorted(real - told):
        faults.append(f"{name}: no page explains it")
    for name in sorted(told - real):
        faults.append(f"{name}: is in a page and in no header")


def check_drops():
    table = (root / "include/epair/drop.h").read_text().replace("\\\n", " ")
    rows = re.findall(r'X\(([A-Z_]+), "([\w-]+)", (tx|rx), (\w+),\s*"([^"]+)"\)', table)
    text = pages[root / "man" / "epair-drops.7"]
    entries = {}
    for entry in re.split(r"^\.It ", text, flags=re.MULTILINE)[1:]:
        head, _, body = entry.partition("\n")
        entries[head] = " ".join(re.split(r"^\.El$", body, flags=re.MULTILINE)[0].split())
    for name, word, _, counter, sentence in rows:
        want = sentence[0].upper() + sentence[1:] + "."
        if counter != "none":
            want += f" Counts in .Fa {counter} ."
        if entries.get(f"Cm {word} Pq Dv EPAIR_DROP_{name}") != want:
            faults.append(f"epair-drops.7: {word} is not as in drop.h: {want}")
    if len(rows) == 0:
        faults.append("drop.h: no reason found")
    if len(entries) != len(rows):
        faults.append(f"epair-drops.7: {len(entries)} reasons, {len(rows)} in drop.h")


def check_references():
    known = {(p.stem, p.suffix[1:]) for p in pages}
    for text in calls.values():
        known |= {(name, "3") for name in re.findall(r"^\.Nm (\w+)", text, re.MULTILINE)}
    for page, text in pages.items():
        for name, section in re.findall(r"^\.Xr ((?:lib)?epair[\w-]*) (\d)", text, re.MULTILINE):
            if (name, section) not in known:
                faults.append(f"{page.name}: there is no {name}({section})")
    for page in pages:
        if f"'{page.name}'" not in built and f"'{page.stem}'" not in built:
            faults.append(f"man/meson.build: does not install {page.name}")


check_calls()
check_structs()
check_constants()
check_drops()
check_references()
print("\n".join(faults) or f"{len(pages)} pages: as the headers")
sys.exit(len(faults) > 0)
