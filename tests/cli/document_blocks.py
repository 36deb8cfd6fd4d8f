"""The fenced blocks of all documents, the commands of the shell's, and which of them are not run and why."""

import pathlib
import re

import support

ROOT = pathlib.Path(support.SOURCE)
BLOCK = re.compile(r"^```(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LANGUAGES = {"sh", "python", "c", "json", "sql", "text"}

SETS_UP = "sets this machine up: packages, the network"
SUITE = "runs the suite that this test is of"
LONG = "minutes to hours of benchmarks or fuzzing"
TRAINS = "a GPU and hours; train/tests/test_documents.py parses it, test_train.py runs each command on a tiny corpus"
# (page, the beginning of a command): why it is not run here. Each must be there, and what it names too.
NOT_RUN = {
    ("README.md", "make demo"): "fifteen minutes; checks.demo_summary and cli.quickstart run its parts",
    ("README.md", "make test"): SUITE,
    ("HACKING.md", "tools/setup/packages.sh"): SETS_UP,
    ("HACKING.md", "tools/setup/configure.sh dev"): SETS_UP,
    ("HACKING.md", "cmake --build --preset dev && tools/test.sh dev"): SUITE,
    ("HACKING.md", "tools/test.sh release -R Kde"): SUITE,
    ("HACKING.md", "tools/test.sh release -L stats"): SUITE,
    ("HACKING.md", "BHROUTE_FORCE_ISA=avx2   build/release/bin/router_bench"): LONG,
    ("HACKING.md", "make bench"): LONG,
    ("HACKING.md", "python3 bench/frontier.py"): LONG + ", and a model that the repository does not hold",
    ("HACKING.md", ".venv/bin/python bench/fdr_vs_statsmodels.py"): LONG,
    ("HACKING.md", "python3 bench/sweep_cost.py"): LONG,
    ("docs/elastic.md", "cd train && pip install"): SETS_UP,
    ("docs/elastic.md", "python -m bhroute_train"): TRAINS,
    ("docs/python/transformers.md", "python -m bhroute.tools.gguf_to_transformers"): "PyTorch; tests/python/documents_test.py runs it",
    ("docs/security.md", "tools/test.sh release -L fuzz"): SUITE,
    ("docs/security.md", "make fuzz"): LONG,
    ("train/README.md", "pip install"): SETS_UP,
    ("train/README.md", "python -m bhroute_train COMMAND --help"): "PyTorch; train/tests/test_documents.py asks each command's help",
}
# Python blocks, by page: the test that runs them where their packages are.
PYTHON = {
    "README.md": "tests/python/documents_test.py",
    "docs/hosts.md": "tests/ggml/prebuilt_host_test.py",
    "docs/metrics.md": "tests/cli/model_test.py",
    "docs/python/transformers.md": "tests/python/documents_test.py",
}


def pages():
    """Relative to the root: all documents but the history."""
    here = [*ROOT.glob("*.md"), *(page for folder in ("docs", "train", "models", "data", "examples") for page in ROOT.glob(f"{folder}/**/*.md"))]
    return sorted(page.relative_to(ROOT).as_posix() for page in here if page.name != "CHANGELOG.md")


def text_of(page):
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page, language):
    return [block for found, block in BLOCK.findall(text_of(page)) if found == language]


def commands(block):
    """A command of several lines is one."""
    return [command for command in block.replace("\\\n", "\0").splitlines() if command.strip()]


def excluded_by(page, command):
    """The entry of NOT_RUN that a command falls under, or None."""
    for entry in NOT_RUN:
        if entry[0] == page and command.strip().startswith(entry[1]):
            return entry
    return None


def scripts(page):
    """Each shell block, less what is not run."""
    for block in blocks(page, "sh"):
        kept = [command.replace("\0", "\\\n") for command in commands(block) if not excluded_by(page, command)]
        if kept:
            yield "\n".join(kept) + "\n"
