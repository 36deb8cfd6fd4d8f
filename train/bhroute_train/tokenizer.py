"""`tokenizer`: byte-level BPE from the training text."""

import random
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

END = "<|endoftext|>"  # token 0: begins, ends and pads


def train(documents, size, sample=6000, characters=20000, seed=1):
    """A tokenizer of `size` tokens, from the beginnings of a sample of documents."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=[END], show_progress=False,
                                  initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()))
    chosen = random.Random(seed).sample(documents, min(len(documents), sample))
    tokenizer.train_from_iterator([text[:characters] for text in chosen], trainer)
    return tokenizer


def run(args):
    tokenizer = train(Path(args.text).read_text().split("\x1e"), args.size)
    tokenizer.save(args.out)
    print(f"{args.out}: {tokenizer.get_vocab_size()} tokens")


def add_arguments(parser):
    parser.add_argument("--text", default="work/text/train.txt", help="train.txt of `corpus`")
    parser.add_argument("--size", type=int, default=8192)
    parser.add_argument("--out", default="work/tokenizer.json")
