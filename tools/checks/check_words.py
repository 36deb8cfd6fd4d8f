#!/usr/bin/env python3
"""Checks that no file names a folder of somebody's machine:  check_words.py ROOT"""

import pathlib
import re
import sys

from source_tree import report, tracked_files

# Written in two parts, so that this file passes its own check.
FORBIDDEN = {
    re.compile(r"(?<![\w.])/" + r"(?:work|root)/"): "a folder of one machine",
    re.compile(r"(?<![\w.])/" + r"home/\w+"): "a person's folder",
    re.compile(r"\.\./" + r"shared\b"): "a folder outside the project",
}
# Where CI finds the optional tables of the original system is a convention of its own.
ALLOWED = {(".ci/run", "a folder outside the project")}


def lines_of(path: pathlib.Path) -> list[str]:
    data = path.read_bytes()
    if b"\0" in data[:4096]:
        return []  # not text
    return data.decode("utf-8", errors="replace").splitlines()


def check(root: pathlib.Path) -> list[str]:
    found = []
    for file in tracked_files(root):
        for number, line in enumerate(lines_of(root / file), start=1):
            for pattern, why in FORBIDDEN.items():
                match = pattern.search(line)
                if match and (file.as_posix(), why) not in ALLOWED:
                    found.append(f"{file.as_posix()}:{number}: names {match.group()}, {why}")
    return found


if __name__ == "__main__":
    sys.exit(report("check_words", check(pathlib.Path(sys.argv[1]).resolve())))
