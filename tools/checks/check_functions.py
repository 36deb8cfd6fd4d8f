#!/usr/bin/env python3
"""Checks how long functions are:  check_functions.py ROOT

- none has more than 60 lines;
- half of them have 8 lines or fewer.

Counted by lizard, of the tools' Python ($BHROUTE_PYTHON, else .venv); without it the check is skipped.
"""

import os
import pathlib
import statistics
import sys

from source_tree import report, tracked_files

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


def by_tools_python() -> None:
    """Starts this script again by the Python that has lizard."""
    python = os.environ.get("BHROUTE_PYTHON", str(pathlib.Path(sys.argv[1], ".venv", "bin", "python")))
    if not os.path.exists(python) or os.environ.get("BHROUTE_CHECKED_BY") == python:
        print("check_functions: skipped, no Python with lizard: set BHROUTE_PYTHON or make .venv")
        sys.exit(77)
    os.execve(python, [python, "-B", *sys.argv], {**os.environ, "BHROUTE_CHECKED_BY": python})


if __name__ == "__main__":
    try:
        import lizard  # noqa: F401
    except ImportError:
        by_tools_python()
    sys.exit(report("check_functions", check(pathlib.Path(sys.argv[1]))))
