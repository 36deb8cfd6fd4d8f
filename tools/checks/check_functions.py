#!/usr/bin/env python3
"""Checks how long functions are:  check_functions.py ROOT

- none has more than 60 lines;
- half of them have 8 lines or fewer.

Counted by lizard, of the tools' Python ($BHROUTE_PYTHON, else .venv); without it the check is skipped.
"""

import pathlib
import statistics
import sys

from source_tree import need, report, tracked_files

CODE = {".h", ".cpp", ".cu", ".cuh", ".py"}
MAX_LINES = 60
MAX_MEDIAN = 8


def lengths(root: pathlib.Path) -> dict[str, int]:
    """"src/stats/kde.cpp:12 kde" -> its lines, from the signature to the last brace."""
    import lizard
    found = {}
    for file in tracked_files(root):
        if file.suffix in CODE:
            for function in lizard.analyze_file(str(root / file)).function_list:
                place = f"{file.as_posix()}:{function.start_line} {function.name}"
                found[place] = function.end_line - function.start_line + 1
    return found


def check(root: pathlib.Path) -> list[str]:
    counted = lengths(root)
    found = [f"{place}: {lines} lines, want at most {MAX_LINES}" for place, lines in counted.items() if lines > MAX_LINES]
    median = statistics.median(counted.values()) if counted else 0
    if median > MAX_MEDIAN:
        found.append(f"half of all functions have {median:g} lines or more, want {MAX_MEDIAN}")
    return found


if __name__ == "__main__":
    need("lizard", pathlib.Path(sys.argv[1]))
    sys.exit(report("check_functions", check(pathlib.Path(sys.argv[1]))))
