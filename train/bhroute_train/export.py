"""`export`: a trained model as GGUF and as a folder of transformers with a model card."""

import csv
import json
from pathlib import Path

from . import gguf_olmoe, models
from . import tokenizer as tokenizers

LICENSE = "CC0-1.0"


def licences_of(path):
    """Packages and licences of the training text, from `corpus`'s licences.csv, as a table."""
    with Path(path).open(newline="") as file:
        rows = [f"| {row['package']} | {row['licences']} |" for row in csv.DictReader(file)]
    return "\n".join(["| package | licences |", "|---|---|", *rows])


def card(name, facts, losses, licences):
    """The model card: what it is, trained on what, how long, on what machine, with which losses."""
    lines = ["---", f"license: {LICENSE.lower()}", "pipeline_tag: text-generation", "---", f"# {name}", "",
             facts.get("about", "A mixture of experts trained by this project."), "", "## Training", "",
             "| | |", "|---|---|"]
    lines += [f"| {key} | {value:.6g} |" if isinstance(value, float) else f"| {key} | {value} |"
              for key, value in facts.items() if key != "about"]
    if losses:
        lines += ["", "## Losses, nats a token", "", "| text | policy | mean experts | loss |", "|---|---|---|---|"]
        lines += [f"| {r['text']} | {r['policy']} | {float(r['mean_k']):.3f} | {float(r['loss']):.4f} |" for r in losses]
    if licences:
        lines += ["", "## Data", "", "Debian packages of documentation and public-domain books:", "", licences]
    return "\n".join(lines) + "\n"


def losses_of(path, name):
    """Rows of `evaluate`'s table about this model."""
    with Path(path).open(newline="") as file:
        return [row for row in csv.DictReader(file) if row["model"] == name]


def parts(path, size):
    """Cuts a file into PATH.part-NN of at most `size` bytes (`cat PATH.part-* > PATH` joins them)."""
    raw = path.read_bytes()
    for n, start in enumerate(range(0, len(raw), size)):
        path.with_name(f"{path.name}.part-{n:02d}").write_bytes(raw[start:start + size])


def run(args):
    out = Path(args.out)
    out.mkdir(parents=True, exist_ok=True)
    model, tokenizer = models.load(args.model), tokenizers.load(args.tokenizer or args.model)
    facts = json.loads(Path(args.facts).read_text()) if args.facts else {}
    about = {"name": args.name, "description": facts.get("about", args.name), "license": LICENSE}
    for kind in args.gguf:
        if model.config.model_type != gguf_olmoe.ARCHITECTURE:
            raise ValueError(f"--gguf: model, got {model.config.model_type}, want olmoe (others: llama.cpp's convert_hf_to_gguf)")
        path = out / f"{args.name}-{kind}.gguf"
        gguf_olmoe.write(path, model.config, model.state_dict(), json.loads(tokenizer.to_str()), kind, about)
        print(path, path.stat().st_size)
        if args.part_bytes:
            parts(path, args.part_bytes)
            path.unlink()
    losses = losses_of(args.losses, args.name) if args.losses else []
    text = card(args.name, facts, losses, licences_of(args.licences) if args.licences else "")
    (out / "MODEL_CARD.md").write_text(text)
    if args.safetensors:
        model.save_pretrained(out / "transformers")
        tokenizer.save(str(out / "transformers" / "tokenizer.json"))


def add_arguments(parser):
    parser.add_argument("--model", required=True, help="folder of a transformers model, or .gguf (olmoe)")
    parser.add_argument("--name", required=True)
    parser.add_argument("--tokenizer", help="tokenizer.json or a .gguf that carries it (default: the model's own)")
    parser.add_argument("--gguf", nargs="*", default=["q8_0"], choices=sorted(gguf_olmoe.FILE_TYPES))
    parser.add_argument("--safetensors", action="store_true", help="also a folder for transformers")
    parser.add_argument("--facts", help="facts.json of the run")
    parser.add_argument("--losses", help="table of `evaluate`")
    parser.add_argument("--licences", help="licences.csv of `corpus`")
    parser.add_argument("--part-bytes", type=int, default=0, help="cut each GGUF into parts of this size")
    parser.add_argument("--out", required=True)
