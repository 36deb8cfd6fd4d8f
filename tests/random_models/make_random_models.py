#!/usr/bin/env python3
"""Makes the models that tests run:  make_random_models.py FOLDER

FOLDER/<architecture>.gguf in F16; FOLDER/<type>/<architecture>.gguf in quantised types. Made again only when the makers
change. Exit 77: no Python with numpy and gguf ($BHROUTE_PYTHON, .venv, this one), so the tests skip.
"""

import hashlib
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
MAKER = ROOT / "tools" / "models" / "make_random_model.py"
KINDS = {".": [], "q8_0": ["--type", "q8_0"], "q4_0": ["--type", "q4_0"],
         "q4_k": ["--type", "q4_k", "--d-model", "256", "--expert-ff", "256", "--experts", "8", "--top-k", "2",
                  "--heads", "8"]}
Q4_K_ONLY = "olmoe"  # rows of 256 make megabytes of the others


def usable_python() -> str | None:
    for python in (os.environ.get("BHROUTE_PYTHON"), ROOT / ".venv" / "bin" / "python", sys.executable):
        if python and shutil.which(python) and subprocess.run([python, "-c", "import gguf, numpy"], capture_output=True,
                                                              check=False).returncode == 0:
            return str(python)
    return None


def state_of_makers() -> str:
    files = sorted(MAKER.parent.glob("*.py")) + [pathlib.Path(__file__)]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def main(folder: pathlib.Path) -> int:
    stamp = folder / "made-from"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == state_of_makers():
        return 0
    python = usable_python()
    if python is None:
        print("no Python with numpy and gguf: set BHROUTE_PYTHON or make .venv")
        return 77
    for name, arguments in KINDS.items():
        one = name == "q4_k"
        output = folder / name / f"{Q4_K_ONLY}.gguf" if one else folder / name
        output.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([python, MAKER, Q4_K_ONLY if one else "--all", "-o", output, *arguments], check=True)
    stamp.write_text(state_of_makers(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
