#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Say what meson's junit logs counted, in the one line that CI reads.

    tally.py BUILD/meson-logs/testlog.junit.xml...

A TAP program that dies half way leaves only its good cases in the junit log;
meson's own verdict on it stands in testlog.json beside it and is counted as one
failure more. A log that is missing is a failure too.
"""
import json
import pathlib
import sys
import xml.etree.ElementTree as xml

BAD = {"FAIL", "ERROR", "TIMEOUT", "INTERRUPT", "UNEXPECTEDPASS"}


def count(log):
    """(passed, failed, skipped) of one junit log."""
    total = failed = skipped = 0
    suites_failed = set()
    for suite in xml.parse(log).getroot().iter("testsuite"):
        for case in suite.iter("testcase"):
            total += 1
            skipped += case.find("skipped") is not None
            if case.find("failure") is not None or case.find("error") is not None:
                failed += 1
                suites_failed.update([suite.get("name").split(".", 1)[-1], case.get("name")])
    verdicts = pathlib.Path(log).with_name("testlog.json")
    for line in verdicts.read_text().splitlines():
        run = json.loads(line)
        name = run["name"].split(" / ")[-1]
        if run["result"] in BAD and name not in suites_failed:
            total += 1
            failed += 1
    return total - failed - skipped, failed, skipped


passed = failed = skipped = 0
for log in sys.argv[1:]:
    try:
        p, f, s = count(log)
    except (OSError, xml.ParseError) as error:
        print(f"{log}: {error}", file=sys.stderr)
        p, f, s = 0, 1, 0
    passed, failed, skipped = passed + p, failed + f, skipped + s
print(f"{passed} passed, {failed} failed, {skipped} skipped")
sys.exit(failed > 0 or passed == 0)
