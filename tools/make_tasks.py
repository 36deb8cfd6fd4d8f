#!/usr/bin/env python3
"""Two small tasks from a novel, in the form of public ones:  make_tasks.py NOVEL FOLDER

FOLDER/lambada.jsonl    {"text"}: a passage whose last word occurs before in it, without its full stop
FOLDER/hellaswag.jsonl  {"ind", "ctx", "endings", "label"}: which of four sentences follows; the wrong ones follow elsewhere in the book

They are taken from the novel's last part, so that no window of its beginning is used twice. The same novel and seed give the same bytes.
"""

import json
import pathlib
import random
import re
import sys

SEED = 1817
FIRST_SHARE = 0.45  # of the text: everything before is left to other uses
NUM_PASSAGES, NUM_CHOICES = 120, 100
PASSAGE_WORDS = (40, 80)
CONTEXT_WORDS = (20, 40)
ENDING_WORDS = (8, 22)


def paragraphs(text: str) -> list[str]:
    blocks = (re.sub(r"\s+", " ", block).strip() for block in re.split(r"\n\s*\n", text))
    return [block for block in blocks if len(block.split()) > 5]


def sentences(block: str) -> list[str]:
    # "Mr. Elliot" ends no sentence.
    parts = re.split(r'(?<=[.!?])(?<!Mr\.)(?<!Mrs\.)(?<!Dr\.)(?<!St\.)\s+(?=["“A-Z])', block)
    return [part for part in parts if part]


def bare(word: str) -> str:
    return re.sub(r"[^a-z]", "", word.lower())


def passages(blocks: list[str]) -> list[str]:
    """Runs of sentences that end with a plain word which was there before."""
    found = []
    all_sentences = [sentence for block in blocks for sentence in sentences(block)]
    for end in range(len(all_sentences)):
        last = all_sentences[end].rsplit(" ", 1)[-1]
        if not re.fullmatch(r"[A-Za-z]{3,}\.", last):
            continue
        start, words = end, len(all_sentences[end].split())
        while start > 0 and words < PASSAGE_WORDS[0]:
            start -= 1
            words += len(all_sentences[start].split())
        text = " ".join(all_sentences[start:end + 1]).removesuffix(".")
        before = [bare(word) for word in text.split()[:-1]]
        if PASSAGE_WORDS[0] <= words <= PASSAGE_WORDS[1] and bare(last) in before:
            found.append(text)
    return found


def continuations(blocks: list[str]) -> list[tuple[str, str]]:
    """(context, the sentence that follows it), within one paragraph."""
    found = []
    for block in blocks:
        parts = sentences(block)
        for index in range(1, len(parts)):
            context, ending = " ".join(parts[:index]), parts[index]
            words = context.split()
            if len(words) >= CONTEXT_WORDS[0] and ENDING_WORDS[0] <= len(ending.split()) <= ENDING_WORDS[1]:
                found.append((" ".join(words[-CONTEXT_WORDS[1]:]), ending))
                break
    return found


def with_wrong_endings(pairs: list[tuple[str, str]], rng: random.Random) -> list[dict]:
    items = []
    for index, (context, ending) in enumerate(rng.sample(pairs, min(NUM_CHOICES, len(pairs)))):
        others = [other for _, other in pairs if other != ending]
        endings = rng.sample(others, 3)
        label = rng.randrange(4)
        endings.insert(label, ending)
        items.append({"ind": index, "ctx": context, "endings": endings, "label": label})
    return items


def write_lines(path: pathlib.Path, items: list[dict]) -> None:
    path.write_text("".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items), encoding="utf-8")
    print(f"{path}: {len(items)} items")


def main(novel: str, folder: str) -> None:
    text = pathlib.Path(novel).read_text(encoding="utf-8")
    blocks = paragraphs(text[int(FIRST_SHARE * len(text)):])[1:]  # the cut goes through a paragraph
    rng = random.Random(SEED)
    found = passages(blocks)
    target = pathlib.Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    write_lines(target / "lambada.jsonl", [{"text": text} for text in rng.sample(found, min(NUM_PASSAGES, len(found)))])
    write_lines(target / "hellaswag.jsonl", with_wrong_endings(continuations(blocks), rng))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__.splitlines()[0])
    main(*sys.argv[1:])
