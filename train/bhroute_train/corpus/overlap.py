"""N-grams of words that two texts share: the proof that evaluation text was not trained on."""

import hashlib
import re

import numpy as np

NGRAM = 13  # words


def words(text):
    return re.findall(r"[a-z0-9']+", text.lower())


class _WordHashes(dict):
    def __missing__(self, word):
        self[word] = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest(), "little")
        return self[word]


_WORDS = _WordHashes()
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


def ngrams(text, length=NGRAM):
    """Hashes (uint64) of the word n-grams of `text`, in order: a polynomial in the hashes of the words."""
    found = words(text)
    hashes = np.fromiter(map(_WORDS.__getitem__, found), dtype=np.uint64, count=len(found))
    total = np.zeros(max(0, len(found) - length + 1), np.uint64)
    for i in range(length):
        total = total * _MULTIPLIER + hashes[i:i + len(total)]
    return total


class Index:
    """The distinct n-grams of some texts, to be looked for in many others."""

    def __init__(self, texts):
        self.of = {name: np.unique(ngrams(text)) for name, text in texts.items()}
        self.all = np.unique(np.concatenate([np.zeros(0, np.uint64), *self.of.values()]))

    def hits(self, text):
        """Places in `all` of the n-grams that `text` holds."""
        grams = np.unique(ngrams(text))
        if not len(self.all) or not len(grams):
            return np.zeros(0, np.int64)
        at = np.minimum(np.searchsorted(self.all, grams), len(self.all) - 1)
        return at[self.all[at] == grams]

    def places(self, names):
        """A mask over `all`: the n-grams of these texts."""
        mask = np.zeros(len(self.all), bool)
        for name in names:
            mask[np.searchsorted(self.all, self.of[name])] = True
        return mask

    def report(self, found):
        """name -> (n-grams, of these `found`, a mask over `all`)."""
        return {name: (len(grams), int(found[np.searchsorted(self.all, grams)].sum()))
                for name, grams in self.of.items()}
