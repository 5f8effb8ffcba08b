#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Say what meson's logs counted; the last line is the one that CI reads.

    tally.py BUILD/meson-logs/testlog.junit.xml...

Names what failed, and what was skipped with the reason it gave. Two logs lie
side by side, and it takes both: the junit log has the cases inside a test
program, testlog.json has the verdict on the program. The first alone would
miss a program that died half way, and one that ran out of time.

A log that is missing is a failure too.
"""
import json
import pathlib
import sys
import xml.etree.ElementTree as xml

GOOD = {"OK", "EXPECTEDFAIL"}
counts = {"passed": 0, "failed": 0, "skipped": 0}


def note(verdict, name, why=""):
    counts[verdict] += 1
    if verdict != "passed":
        print(f"{verdict}: {name}" + (f": {why}" if why else ""))


def last_line(text):
    lines = (text or "").strip().splitlines()
    return lines[-1] if lines else ""


def note_cases(name, suite):
    """Each case of a program that speaks TAP. Returns whether one failed."""
    bad = False
    for case in suite.iter("testcase"):
        label = f"{name} {case.get('name')}"
        if case.find("skipped") is not None:
            note("skipped", label, case.findtext("system-out"))
        elif case.find("failure") is not None or case.find("error") is not None:
            note("failed", label)
            bad = True
        else:
            note("passed", label)
    return bad


def note_log(log):
    folder = log.parent.parent.name
    suites = {s.get("name"): s for s in xml.parse(log).getroot().iter("testsuite")}
    for line in log.with_name("testlog.json").read_text().splitlines():
        run = json.loads(line)
        test, result = run["name"].split(" / ")[-1], run["result"]
        name = f"{folder}: {test}"
        suite = suites.get("epair." + run["name"])
        if suite is not None:
            bad = note_cases(name, suite)
            if result not in GOOD and result != "SKIP" and not bad:
                note("failed", name, result)
        elif result == "SKIP":
            note("skipped", name, last_line(run.get("stdout")))
        else:
            note("passed" if result in GOOD else "failed", name, result)


for argument in sys.argv[1:]:
    try:
        note_log(pathlib.Path(argument))
    except (OSError, xml.ParseError, ValueError) as error:
        note("failed", argument, error)
print(", ".join(f"{count} {verdict}" for verdict, count in counts.items()))
sys.exit(counts["failed"] > 0 or counts["passed"] == 0)
