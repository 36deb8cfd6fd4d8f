"""The committed stub says what the bindings are, and the package obeys it."""

import pathlib
import subprocess
import sys

import pytest
from conftest import ROOT

import bhroute

STUB = ROOT / "python/bhroute/_core.pyi"
REMAKE = "python -m nanobind.stubgen -m bhroute._core -o python/bhroute/_core.pyi"


def test_the_stub_is_what_nanobind_makes_of_the_bindings(tmp_path):
    pytest.importorskip("nanobind")
    made = tmp_path / "_core.pyi"
    subprocess.run([sys.executable, "-m", "nanobind.stubgen", "-q", "-m", "bhroute._core", "-o", str(made)], check=True)
    assert made.read_text() == STUB.read_text(), f"remake it: {REMAKE}"


def test_the_package_type_checks():
    pytest.importorskip("mypy")
    files = [str(ROOT / "python/bhroute" / name) for name in ("__init__.py", "policy.py", "torch.py", "_cuda.py")]
    done = subprocess.run([sys.executable, "-m", "mypy", "--strict", "--allow-any-generics", "--allow-untyped-calls",
                           "--explicit-package-bases", "--follow-imports=silent", *files],
                          cwd=ROOT / "python", capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_stub_travels_with_the_package():
    installed = pathlib.Path(bhroute.__file__).parent
    assert (installed / "_core.pyi").is_file() and (installed / "py.typed").is_file()
