#!/usr/bin/env python3
"""Checks the direction of dependence by the #include lines:  check_arrows.py ROOT

core <- stats <- calibration <- routing <- evaluation <- apps;  core <- kernels <- routing;
adapters see the public headers only, apps and benchmarks the adapters' as well; nobody includes apps.
See docs/architecture.md.
"""

import pathlib
import posixpath
import re
import sys

from source_tree import report, tracked_files

BELOW = {
    "core": set(),
    "stats": {"core"},
    "calibration": {"core", "stats"},
    "kernels": {"core"},
    "routing": {"core", "stats", "calibration", "kernels"},
    "evaluation": {"core", "stats", "calibration", "kernels", "routing"},
}
# External headers that only these folders may know.
RESERVED = {
    re.compile(r"(llama|ggml|gguf)[\w-]*\.h"): ("adapters/",),
    re.compile(r"hwy/.*"): ("src/core/", "src/kernels/", "tests/", "bench/"),
}
CODE = {".h", ".cpp", ".cu", ".cuh"}
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')
# What the plugin offers a program that holds it: the one header of an adapter that another may include.
PLUGIN_INTERFACE = "adapters/ggml/bhroute_ggml.h"
UNCHECKED = {"tests"}  # a test may look anywhere


def layer_of(path: pathlib.PurePath) -> str | None:
    """The library layer a file belongs to: src/<layer>/... or include/bhroute/<layer>/..."""
    parts = path.parts
    if parts[0] == "src":
        return parts[1]
    return parts[2] if parts[:2] == ("include", "bhroute") else None


def target_of(including: pathlib.PurePath, name: str, files: set[str]) -> str | None:
    """The project's file that an include names; None for a header of someone else's."""
    beside = posixpath.normpath(posixpath.join(including.parent.as_posix(), name))
    for candidate in (beside, f"include/{name}", f"adapters/{name}", f"src/{name}", f"apps/{name}", name):
        if candidate in files:
            return candidate
    return None


def why_not(including: pathlib.PurePath, target: str) -> str | None:
    """Why `including` may not include the project's file `target`; None if it may."""
    place, goal = including.as_posix(), pathlib.PurePosixPath(target)
    if goal.parent == pathlib.PurePosixPath(including.parent.as_posix()):
        return None
    if goal.parts[0] == "apps":
        return "nobody includes apps"
    own = layer_of(including)
    if own is not None:
        wanted = layer_of(goal)
        if goal.parts[0] != "include" or wanted not in BELOW:
            return "a library folder includes its own files and public headers only"
        if wanted != own and wanted not in BELOW.get(own, set()):
            return f"{own} does not depend on {wanted}"
        return None
    if goal.parts[0] == "include":
        return None
    if place.startswith("adapters/") and target == PLUGIN_INTERFACE:
        return None
    if place.startswith(("apps/", "bench/")) and goal.parts[0] == "adapters":
        return None
    return "outside the library only include/bhroute may be included"


def why_not_external(including: pathlib.PurePath, name: str) -> str | None:
    for pattern, places in RESERVED.items():
        if pattern.fullmatch(name) and not including.as_posix().startswith(places):
            return f"only {', '.join(places)} may know it"
    return None


def violations_of(root: pathlib.Path, path: pathlib.Path, files: set[str]) -> list[str]:
    found = []
    text = (root / path).read_text(encoding="utf-8")
    for number, line in enumerate(text.splitlines(), start=1):
        match = INCLUDE.match(line)
        if not match:
            continue
        name = match.group(1)
        target = target_of(path, name, files)
        if target is None and name.startswith("bhroute/"):
            reason = "there is no such header"
        elif target is None:
            reason = why_not_external(path, name)
        else:
            reason = why_not(path, target)
        if reason:
            found.append(f"{path.as_posix()}:{number}: includes {name}: {reason}")
    return found


def check(root: pathlib.Path) -> list[str]:
    paths = [path for path in tracked_files(root) if path.suffix in CODE]
    files = {path.as_posix() for path in paths}
    found = []
    for path in paths:
        layer = layer_of(path)
        if layer is not None and layer not in BELOW:
            found.append(f"{path.as_posix()}: {layer} is not a layer of the library, want one of {', '.join(BELOW)}")
        if path.parts[0] not in UNCHECKED:
            found += violations_of(root, path, files)
    return found


if __name__ == "__main__":
    sys.exit(report("check_arrows", check(pathlib.Path(sys.argv[1]).resolve())))
