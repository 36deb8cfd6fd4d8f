"""`compare`: differences between models at the same static count, window by window, with intervals."""

import json
from pathlib import Path

import numpy as np

from .evaluate import interval


def rows(tables, base):
    """(model, text, k, mean difference to `base`, low, high) for every other model."""
    if base not in tables:
        raise ValueError(f"--base: model, got {base}, want one of {', '.join(tables)}")
    for model, texts in tables.items():
        for text, counts in texts.items() if model != base else ():
            for k, losses in counts.items():
                difference = np.array(losses) - np.array(tables[base][text][k])
                yield model, text, k, *interval(difference)


def run(args):
    tables = {}
    for path in args.tables:
        tables |= json.loads(Path(path).read_text())
    print("model,text,k,difference,low,high")
    for model, text, k, *numbers in rows(tables, args.base):
        print(model, text, k, *(f"{number:+.4f}" for number in numbers), sep=",")


def add_arguments(parser):
    parser.add_argument("tables", nargs="+", help="OUT.json of `evaluate`")
    parser.add_argument("--base", required=True, help="name of the model that the others are compared with")
