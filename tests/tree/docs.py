#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What README and doc/ name is there.

Files and folders in backticks, `file:function`, links to other files; and each
clause that anybody cites as "contract 4.2" stands in doc/contract.md.
"""
import os
import pathlib
import re
import sys

root = pathlib.Path(os.environ["SOURCE_ROOT"])
pages = [root / "README.md", *sorted((root / "doc").glob("*.md"))]
faults = []


def check_names(page):
    text = page.read_text()
    ours = {p.name for p in root.iterdir() if p.is_dir()}
    for name in re.findall(r"`([\w.-]+/[\w./-]*)(?:`|:\w)", text):
        if name.split("/")[0] in ours and not (root / name).exists():
            faults.append(f"{page.name}: there is no {name}")
    for link in re.findall(r"\]\(([^)#:]+)\)", text):
        if not (page.parent / link).exists():
            faults.append(f"{page.name}: a link to {link}, which there is not")
    for file, function in re.findall(r"`([\w./-]+\.[ch]):(\w+)`", text):
        path = root / file
        source = path.read_text() if path.exists() else ""
        if not re.search(rf"^{function}\(", source, re.MULTILINE):
            faults.append(f"{page.name}: {file} does not define {function}()")


def cited(text):
    """Each number in "contract 1.2 to 1.6", "contract 3, 4.1 and 9"."""
    text = re.sub(r"\n[ \t]*(\*|//|#|\.\\\")?[ \t]*", " ", text)
    for found in re.findall(r"\b[Cc]ontract (\d(?:\.\d+)?(?:(?:,| and| to|, and) \d\.\d+)*)", text):
        yield from re.findall(r"\d(?:\.\d+)?", found)


def check_clauses():
    contract = (root / "doc" / "contract.md").read_text()
    there = set(re.findall(r"^\*\*(\d\.\d+)\*\*", contract, re.MULTILINE))
    there |= set(re.findall(r"^## (\d)\.", contract, re.MULTILINE))
    count = 0
    for folder in ("include", "src", "cli", "daemon", "tests", "bench", "examples", "man", "doc"):
        for path in sorted((root / folder).rglob("*")):
            if path.suffix not in (".c", ".h", ".py", ".sh", ".pml", ".md", ".3", ".7", ".8"):
                continue
            for clause in cited(path.read_text(errors="replace")):
                count += 1
                if clause not in there:
                    faults.append(f"{path.relative_to(root)}: cites contract {clause}, which there is not")
    return len(there), count


for page in pages:
    if page.exists():
        check_names(page)
clauses, citations = check_clauses()
print("\n".join(faults) or f"{len(pages)} pages; {clauses} clauses, cited {citations} times")
sys.exit(len(faults) > 0)
