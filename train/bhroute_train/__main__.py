"""python -m bhroute_train COMMAND: the steps of training, in their order."""

import argparse
import importlib
import sys

COMMANDS = {
    "corpus": ("corpus.command", "training text from Debian packages, held-out text, proof of no overlap"),
    "tokenizer": ("tokenizer", "byte-level BPE"),
    "shards": ("shards", "text to compressed shards of tokens"),
    "pretrain": ("pretrain", "a mixture of experts from random weights"),
    "elastic": ("elastic", "fine-tuning with a sampled number of experts"),
    "evaluate": ("evaluate", "losses of models under static and adaptive counts, with intervals"),
    "compare": ("compare", "two models at the same counts, window by window, with intervals"),
    "export": ("export", "GGUF, safetensors and a model card"),
}


def parsed(argv):
    """The command's own arguments; of the modules only that one is imported."""
    parser = argparse.ArgumentParser(prog="bhroute_train", description=__doc__)
    subparsers = parser.add_subparsers(dest="command", required=True)
    name = next((word for word in argv if word in COMMANDS), None)
    for command, (module, text) in COMMANDS.items():
        sub = subparsers.add_parser(command, help=text, description=text)
        if command == name:
            module = importlib.import_module(f".{module}", __package__)
            module.add_arguments(sub)
            sub.set_defaults(run=module.run)
    return parser.parse_args(argv)


def main(argv=None):
    args = parsed(sys.argv[1:] if argv is None else argv)
    try:
        args.run(args)
    except (OSError, ValueError) as error:
        print(f"bhroute_train: {args.command}: {error}", file=sys.stderr)
        return 1 if isinstance(error, OSError) else 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
