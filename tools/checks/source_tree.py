"""The files of the project, for the checks beside this file."""

import pathlib
import subprocess

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


def report(check: str, violations: list[str]) -> int:
    """Prints the violations and returns the exit code."""
    for violation in violations:
        print(f"{check}: {violation}")
    print(f"{check}: {len(violations)} violations")
    return 1 if violations else 0
