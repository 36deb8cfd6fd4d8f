#!/usr/bin/env python3
"""Checks where things lie:  check_layout.py ROOT

- no folder is named after nothing (utils, common, helpers, misc);
- a source has a test of the same stem, or a reason in docs/architecture.md: its own or, outside the library, its folder's;
- a file of code has at most 450 lines;
- docs/architecture.md and HACKING.md have a line for every folder.
"""

import pathlib
import re
import sys

from source_tree import report, tracked_files

NAMELESS = {"utils", "util", "common", "helpers", "helper", "misc"}
CODE = {".h", ".cpp", ".cu", ".cuh", ".py", ".sh"}
MAX_LINES = 450
# Top folder: where its tests are, and what is a source there. {} is the folder of the source below the top.
TESTS = {"src": ("tests/{}", (".cpp", ".cu")), "adapters": ("tests/{}", (".cpp", ".cu")), "apps": ("tests/cli", (".cpp",)),
         "python": ("tests/python", (".cpp", ".py")), "tools": ("tests/checks", (".py", ".sh"))}
EXCEPTION = re.compile(r"^- `((?:src|adapters)/[^`]+[^`/]|(?:apps|python|tools)/[^`]+)`: \S+", re.MULTILINE)
DOCUMENTS = ("docs/architecture.md", "HACKING.md")


def nameless_folders(files: list[pathlib.Path]) -> list[str]:
    folders = {parent for file in files for parent in file.parents}
    return [f"{folder.as_posix()}: a folder named {folder.name} says nothing about what is in it"
            for folder in sorted(folders) if folder.name in NAMELESS]


def tests_of(source: pathlib.Path) -> list[str]:
    """src/stats/kde.cpp -> tests/stats/kde_test.cpp; an operation's form for the GPU may share its test."""
    folder = TESTS[source.parts[0]][0].format("/".join(source.parts[1:-1]))
    suffixes = (".cpp",) if source.parts[0] in ("src", "adapters") else (".cpp", ".py", ".sh")
    return [f"{folder}/{stem}_test{suffix}" for stem in (source.stem.removesuffix("_cuda"), source.stem) for suffix in suffixes]


def text_of(root: pathlib.Path, name: str) -> str:
    path = root / name
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def untested_sources(root: pathlib.Path, files: list[pathlib.Path]) -> list[str]:
    present = {file.as_posix() for file in files}
    excused = set(EXCEPTION.findall(text_of(root, "docs/architecture.md")))
    sources = [file for file in files if file.parts[0] in TESTS and file.suffix in TESTS[file.parts[0]][1]]
    untested = [source for source in sources if not present & set(tests_of(source))]
    found = [f"{source.as_posix()}: no {tests_of(source)[0]}, and no reason in docs/architecture.md"
             for source in untested if not excused & {source.as_posix(), f"{source.parent.as_posix()}/"}]
    needed = {name for source in untested for name in (source.as_posix(), f"{source.parent.as_posix()}/")}
    return found + [f"docs/architecture.md: {name} is excused but has a test or does not exist" for name in sorted(excused - needed)]


def long_files(root: pathlib.Path, files: list[pathlib.Path]) -> list[str]:
    found = []
    for file in files:
        if file.suffix in CODE:
            lines = len((root / file).read_text(encoding="utf-8").splitlines())
            if lines > MAX_LINES:
                found.append(f"{file.as_posix()}: too long, got {lines} lines, want at most {MAX_LINES}")
    return found


def folders_to_document(files: list[pathlib.Path]) -> set[str]:
    """Top folders, and one level below src, adapters, apps, tools and docs."""
    folders = set()
    for file in files:
        parts = file.parent.parts
        if not parts or parts[0].startswith("."):
            continue
        deeper = parts[0] in ("src", "adapters", "apps") and len(parts) > 1
        folders.add("/".join(parts[:2]) if deeper else parts[0])
    return folders


def undocumented_folders(root: pathlib.Path, files: list[pathlib.Path]) -> list[str]:
    found = []
    for document in DOCUMENTS:
        text = text_of(root, document)
        for folder in sorted(folders_to_document(files)):
            if not re.search(rf"`{re.escape(folder)}[/`]", text):
                found.append(f"{document}: does not mention the folder {folder}")
    return found


def check(root: pathlib.Path) -> list[str]:
    files = tracked_files(root)
    return (nameless_folders(files) + untested_sources(root, files) + long_files(root, files)
            + undocumented_folders(root, files))


if __name__ == "__main__":
    sys.exit(report("check_layout", check(pathlib.Path(sys.argv[1]).resolve())))
