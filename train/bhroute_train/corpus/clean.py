"""Text to clean text: whitespace, boilerplate, duplicates."""

import collections
import hashlib
import re

MIN_CHARACTERS = 400
BOILERPLATE_DOCUMENTS = 40  # a line in this many documents is furniture


def digest(text):
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).digest()


def tidy(text):
    text = text.replace("\r", "").replace("\xa0", " ").replace("\u200b", "").replace("\x00", "")
    text = re.sub(r"[ \t]+\n", "\n", text)
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def is_prose(text):
    """English enough to learn from: mostly letters and spaces, hardly a character beyond Latin-1, words that repeat."""
    sample = text[:20000]
    letters = sum(map(str.isalpha, sample)) + sample.count(" ")
    foreign = sum(ord(c) > 255 for c in sample)
    common = len(re.findall(r"\b(?:the|of|and|to|is|in|for|that)\b", sample))
    return letters > 0.6 * len(sample) and foreign < 0.02 * len(sample) and common > len(sample) / 400


def line_hashes(text):
    return {digest(line.strip()) for line in text.split("\n") if len(line.strip()) > 2}


def without_boilerplate(documents):
    """`documents` (package, path, text) without the lines that dozens of them share, and without those left too short."""
    counts = collections.Counter()
    for _, _, text in documents:
        counts.update(line_hashes(text))
    common = {key for key, count in counts.items() if count >= BOILERPLATE_DOCUMENTS}
    for package, path, text in documents:
        lines = text.split("\n")
        kept = [line for line in lines
                if len(line.strip()) <= 2 or digest(line.strip()) not in common]
        text = tidy("\n".join(kept))
        if len(text) >= MIN_CHARACTERS:
            yield package, path, text


def paragraphs(text):
    return [p for p in re.split(r"\n\s*\n", text) if len(p) >= 200]


def without_duplicates(documents):
    """Drops documents whose longer paragraphs are mostly seen before (other versions of a manual share theirs)."""
    seen = set()
    for package, path, text in documents:
        hashes = [digest(" ".join(p.split())) for p in paragraphs(text)] or [digest(text)]
        known = sum(h in seen for h in hashes)
        seen.update(hashes)
        if known * 2 <= len(hashes):
            yield package, path, text
