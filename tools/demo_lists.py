#!/usr/bin/env python3
"""The demo's lists of configurations that stand beside the default one:  demo_lists.py FOLDER

FOLDER/rivals.json   fixed counts with the router mass kept, a few points of each rival rule, the policies tuned for olmoe-nano
FOLDER/elastic.json  the short list that olmoe-nano-elastic runs

Written by hand they would be long and alike. Every rival stays within 8 experts: the slots that the model has anyway.
"""

import json
import os
import pathlib
import sys

MODELS = pathlib.Path(__file__).resolve().parents[1] / "models"


def policy(rule: str, **keys) -> dict:
    return {"rule": rule, **keys, "weights": "mass", "temperature": 1.0}


def entry(name: str, marking: str, what: dict | str, **more) -> dict:
    return {"name": name, "role": "reference", "marking": marking, "policy": what, **more}


def fixed(counts) -> list[dict]:
    return [entry(f"static top-{k} mass", "static", policy("top_k", k=k)) for k in counts]


def rivals() -> list[dict]:
    bounded = {"min_k": 1, "max_k": 8}
    return [
        entry("ser t=0.25 min_k=4", "rival", policy("ser", t=0.25, min_k=4, max_k=8)),
        entry("ser t=0.4 min_k=2", "rival", policy("ser", t=0.4, min_k=2, max_k=8)),
        entry("top_p p=0.4", "rival", policy("top_p", p=0.4, **bounded)),
        entry("top_p p=0.5", "rival", policy("top_p", p=0.5, **bounded)),
        entry("min_p m=0.15", "rival", policy("min_p", m=0.15, **bounded)),
        entry("min_p m=0.3", "rival", policy("min_p", m=0.3, **bounded)),
        entry("prob_threshold 0.03", "rival", policy("prob_threshold", level=0.03, **bounded)),
        entry("prob_threshold 0.03 in 4..6", "rival", policy("prob_threshold", level=0.03, min_k=4, max_k=6)),
        entry("entropy bins", "rival", policy("entropy", edges=[2.5, 3.0, 3.4], counts=[4, 5, 6, 7], min_k=4, max_k=7)),
        entry("skip_ratio beta=0.2", "rival", policy("skip_ratio", beta=0.2, **bounded)),
    ]


def tuned(model: str, folder: pathlib.Path) -> list[dict]:
    """What `make demo-tune` wrote beside the model; each answers the tasks too."""
    files = sorted((MODELS / model).glob("tuned-*.json"))
    return [entry(f"tuned for {file.stem.removeprefix('tuned-')}", "tuned",
                  os.path.relpath(file, folder.resolve()), tasks=True) for file in files if "ranking" not in file.name]


def own() -> dict:
    return {"name": "top-8 (the model's own)", "role": "baseline", "policy": {"rule": "top_k", "k": 8}, "plain_override": True,
            "tasks": True}


def write(path: pathlib.Path, configurations: list[dict]) -> None:
    path.write_text(json.dumps({"configurations": configurations}, indent=1) + "\n", encoding="utf-8")


def main(folder: str) -> None:
    target = pathlib.Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    write(target / "rivals.json", fixed(range(3, 8)) + rivals() + tuned("olmoe-nano", target))
    write(target / "elastic.json", [own()] + fixed(range(2, 8)) + tuned("olmoe-nano-elastic", target))


if __name__ == "__main__":
    main(sys.argv[1])
