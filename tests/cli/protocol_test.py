#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""epair-protocol(7) says what the daemon's own table says, and no more."""
import os
import pathlib
import re

from daemon import Daemon
from harness import case, main

PAGE = pathlib.Path(os.environ["SOURCE_ROOT"]) / "man" / "epair-protocol.7"


def plain(text):
    return " ".join(re.sub(r"^\.(El|Bl|Er|Fa|Ic)\b.*$", " ", text, flags=re.MULTILINE).split())


def told(sentence):
    return sentence[0].upper() + sentence[1:] + "."


def entries(section, macro):
    """word -> its text, for each .It of that macro."""
    text = PAGE.read_text().split(f".Sh {section}\n")[1].split("\n.Sh ")[0]
    found = re.split(rf'^\.It {macro} (.*)$', text, flags=re.MULTILINE)[1:]
    return dict(zip((word.strip('"') for word in found[::2]), found[1::2]))


@case
def each_method_stands_in_the_page_with_its_parameters():
    with Daemon() as d, d.client() as c:
        table = c.result("introspect")
    page = entries("METHODS", "Ic")
    assert page.keys() == {m["name"] for m in table["methods"]}
    for method in table["methods"]:
        text = page[method["name"]]
        assert plain(text).startswith(told(method["sentence"])), method["name"]
        assert ("root and the daemon's own" in text) == (method["may"] == "admin"), method["name"]
        params = re.split(r'^\.It Fa (.*)$', text, flags=re.MULTILINE)[1:]
        params = {name.strip('"').replace("any other", "*"): plain(body)
                  for name, body in zip(params[::2], params[1::2])}
        assert params.keys() == {p["name"] for p in method["params"]}, method["name"]
        for param in method["params"]:
            assert params[param["name"]].startswith(told(param["sentence"])), param
        for errno in method["errors"].split():
            assert f".Er {errno}" in text, (method["name"], errno)


@case
def each_reason_for_an_end_and_each_event_stands_there():
    with Daemon() as d, d.client() as c:
        table = c.result("introspect")
    page = entries("ENDS", "Cm")
    assert {word: plain(text) for word, text in page.items()} == {
        word: told(sentence) for word, sentence in table["ends"].items()}
    for event in table["events"]:
        assert f"\n.Cm {event} " in PAGE.read_text(), event


main()
