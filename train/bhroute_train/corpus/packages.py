"""Debian packages: fetched, unpacked without installing, and their licences listed."""

import re
import shutil
import subprocess
from pathlib import Path


def wanted(list_file):
    """Names of packages, one or more a line; `#` starts a comment."""
    lines = Path(list_file).read_text().splitlines()
    return [name for line in lines for name in line.split("#")[0].split()]


def fetch(name, cache):
    """The .deb of `name` in `cache`, downloaded if it is not there; None if Debian has no such package."""
    for _ in range(2):
        found = sorted(cache.glob(f"{name}_*.deb"))
        if found:
            return found[-1]
        subprocess.run(["apt-get", "download", name], cwd=cache, capture_output=True, check=False)
    return None


def unpack(deb, folder):
    """Unpacks `deb` under `folder`, whole or not at all."""
    if folder.exists():
        return
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    subprocess.run(["dpkg", "-x", deb, partial], check=True)
    partial.rename(folder)


def licences(folder, name):
    """Names of the licences in the package's copyright file, or the words it is known by."""
    path = folder / "usr/share/doc" / name / "copyright"
    text = path.read_text(errors="replace") if path.exists() else ""
    named = [entry.strip() for entry in re.findall(r"^License: *(.+)$", text, re.M)]
    if not named:
        common = r"/usr/share/common-licenses/([\w.+-]+\w)|(public domain|MIT|BSD|PostgreSQL|Apache|Artistic)"
        named = ["".join(groups) for groups in re.findall(common, text, re.I)]
    return sorted(set(named)) or ["see its copyright file"]
