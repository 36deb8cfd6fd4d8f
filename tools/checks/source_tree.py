"""The files of the project, for the checks beside this file."""

import importlib.util
import os
import pathlib
import subprocess
import sys

NOT_OURS = {".git", ".venv", "build", "out", "__pycache__"}


def tracked_files(root: pathlib.Path) -> list[pathlib.Path]:
    """Paths relative to `root`: what git tracks or would add; every file where there is no git."""
    listing = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True, text=True, check=False)
    if listing.returncode == 0 and (root / ".git").exists():
        names = [pathlib.Path(name) for name in listing.stdout.split("\0") if name]
        return sorted(name for name in set(names) if (root / name).is_file())
    return sorted(path.relative_to(root) for path in root.rglob("*")
                  if path.is_file() and not NOT_OURS & set(path.relative_to(root).parts))


def need(module: str, root: pathlib.Path) -> None:
    """Starts the script again by the tools' Python ($BHROUTE_PYTHON, else .venv) where this one has no `module`; exit code 77 = skipped."""
    if importlib.util.find_spec(module):
        return
    python = os.environ.get("BHROUTE_PYTHON", str(root / ".venv" / "bin" / "python"))
    if not os.path.exists(python) or os.environ.get("BHROUTE_CHECKED_BY") == python:
        print(f"skipped, no Python with {module}: set BHROUTE_PYTHON or make .venv")
        sys.exit(77)
    os.execve(python, [python, "-B", *sys.argv], {**os.environ, "BHROUTE_CHECKED_BY": python})


def report(check: str, violations: list[str]) -> int:
    """Prints the violations and returns the exit code."""
    for violation in violations:
        print(f"{check}: {violation}")
    print(f"{check}: {len(violations)} violations")
    return 1 if violations else 0
