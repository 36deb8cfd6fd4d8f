#!/usr/bin/env python3
"""Checks the documents:  check_documents.py ROOT

A link to a file leads to one, a link to a heading too, and no placeholder is left; the glossary tells a word once, and none
of the code's that no code has.
"""

import pathlib
import re
import sys

from source_tree import report, tracked_files

LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
GLOSSARY = "docs/glossary.md"
CODE = {".h", ".cpp", ".cu", ".cuh", ".py"}
PLACEHOLDER = "@@" + "FILL"


def anchors(text: str) -> set[str]:
    """As GitHub makes them of headings."""
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in HEADING.findall(text)}


def why_broken(root: pathlib.Path, document: pathlib.Path, link: str) -> str | None:
    if re.match(r"[a-z]+:", link):
        return None  # not ours to promise
    name, _, anchor = link.partition("#")
    target = (root / document).parent / name if name else root / document
    if not target.exists():
        return "there is no such file"
    if anchor and anchor not in anchors(FENCED.sub("", target.read_text(encoding="utf-8"))):
        return "there is no such heading"
    return None


def wrong_words(root: pathlib.Path, files: list[pathlib.Path]) -> list[str]:
    if not (root / GLOSSARY).is_file():
        return []
    cells = re.findall(r"^\| (.+?) \| .* \|$", (root / GLOSSARY).read_text(encoding="utf-8"), re.MULTILINE)
    code = "\n".join((root / file).read_text(encoding="utf-8") for file in files if file.suffix in CODE and file.parts[0] != "tests")
    in_code = set(re.findall(r"\w+", code))
    found = [f"{GLOSSARY}: {cell} is told twice" for cell in sorted({cell for cell in cells if cells.count(cell) > 1})]
    return found + [f"{GLOSSARY}: {word} is in no code" for cell in cells for word in re.findall(r"`(\w+)`", cell) if word not in in_code]


def check(root: pathlib.Path) -> list[str]:
    files = tracked_files(root)
    found = wrong_words(root, files)
    for document in (file for file in files if file.suffix == ".md"):
        text = (root / document).read_text(encoding="utf-8")
        for link in LINK.findall(FENCED.sub("", text)):
            reason = why_broken(root, document, link)
            if reason:
                found.append(f"{document.as_posix()}: links to {link}: {reason}")
        if PLACEHOLDER in text:
            found.append(f"{document.as_posix()}: {text.count(PLACEHOLDER)} placeholders are left")
    return found


if __name__ == "__main__":
    sys.exit(report("check_documents", check(pathlib.Path(sys.argv[1]).resolve())))
