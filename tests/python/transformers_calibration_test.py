"""bhroute.transformers.calibrate: the tables of `bhroute calibrate`, from the same logits to the byte."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

import numpy as np
import tiny_models
import torch

import bhroute
from bhroute.tools import gguf_to_transformers
from bhroute.transformers import calibrate, find_routers, windows_of

SOURCE = Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("BHROUTE_BINARY")
QUANTIZE = Path(os.environ.get("BHROUTE_LLAMA_DIR", "")) / "bin" / "llama-quantize"
NANO = SOURCE / "models/olmoe-nano/olmoe-nano-q8_0.gguf"
TEXT = SOURCE / "data/northanger.txt"


def run(*arguments, folder=None):
    subprocess.run([PROGRAM, *map(str, arguments)], check=True, capture_output=True, text=True, cwd=folder)


@unittest.skipUnless(PROGRAM, "no program in BHROUTE_BINARY")
class SameLogits(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.root = Path(temporary.name)
        self.model = tiny_models.make("Mixtral")
        self.ids = tiny_models.token_ids(6, 32)

    def dump(self):
        """What a hook of our own sees, as the files that `bhroute calibrate --logits` reads."""
        folder = self.root / "dump"
        folder.mkdir(exist_ok=True)
        seen = {place.layer: [] for place in find_routers(self.model)}
        hooks = [place.router.register_forward_hook(
            lambda _module, _inputs, outputs, layer=place.layer: seen[layer].append(outputs[0].numpy()))
            for place in find_routers(self.model)]
        for row in self.ids:
            tiny_models.logits_of(self.model, row[None])
        for hook in hooks:
            hook.remove()
        for layer, logits in seen.items():
            np.save(folder / f"layer_{layer}.npy", np.concatenate(logits))
        return folder

    def test_same_bytes(self):
        dump = self.dump()
        cases = [({"null": "all"}, []), ({"null": "unselected"}, ["--null", "unselected"]),
                 ({"null": "trimmed:2", "statistic": "log_prob"}, ["--null", "trimmed:2", "--statistic", "log_prob"]),
                 ({"null": "unselected", "pooling": "per_expert"}, ["--null", "unselected", "--per-expert"]),
                 ({"null": "all", "smoothing": "gaussian", "form": "gridded", "grid_size": 100},
                  ["--smoothing-kernel", "gaussian", "--grid", "100"]),
                 ({"null": "all", "statistic": "standardized", "resolution": "bf16"},
                  ["--statistic", "standardized", "--resolution", "bf16"])]
        for options, flags in cases:
            with self.subTest(options):
                run("calibrate", "--logits", dump, "--top-k", 4, *flags, "-o", self.root / "cli.safetensors")
                theirs = bhroute.Table.load(str(self.root / "cli.safetensors"))
                options = {"reservoir_rows": theirs.metadata["reservoir_rows"],
                           "reservoir_seed": theirs.metadata["reservoir_seed"], **options}
                ours = calibrate(self.model, self.ids, command=theirs.metadata["command"], **options)
                ours.save(str(self.root / "ours.safetensors"))
                self.assertEqual((self.root / "ours.safetensors").read_bytes(),
                                 (self.root / "cli.safetensors").read_bytes())

    def test_several_nulls_in_one_pass(self):
        together = calibrate(self.model, self.ids, null=["all", "unselected"])
        for table, null in zip(together, ("all", "unselected")):
            alone = calibrate(self.model, self.ids, null=null)
            self.assertEqual(table.metadata, alone.metadata)
            np.testing.assert_array_equal(table.null(1).values, alone.null(1).values)

    def test_batches_of_rows_of_several_lengths(self):
        rows = [self.ids[0], self.ids[1], self.ids[2][:9]]
        table = calibrate(self.model, rows, batch_size=2)
        self.assertEqual(table.metadata["num_tokens"], 32 + 32 + 9)

    def test_refuses(self):
        with self.assertRaisesRegex(ValueError, "strings need a tokenizer"):
            calibrate(self.model, "text")
        with self.assertRaisesRegex(ValueError, "nothing to calibrate on"):
            calibrate(self.model, [])
        with self.assertRaisesRegex(ValueError, "null"):
            calibrate(self.model, self.ids, null="none")


@unittest.skipUnless(PROGRAM and QUANTIZE.is_file(), "no program in BHROUTE_BINARY or no llama.cpp in BHROUTE_LLAMA_DIR")
class SameModelInBothEngines(unittest.TestCase):
    NUM_WINDOWS = 2

    def test_quantiles(self):
        with tempfile.TemporaryDirectory() as root:
            plain, theirs = Path(root) / "f32.gguf", Path(root) / "cli.safetensors"
            subprocess.run([QUANTIZE, "--allow-requantize", NANO, plain, "F32"], check=True, capture_output=True)
            run("calibrate", "-m", plain, "-f", TEXT, "--windows", self.NUM_WINDOWS, "--null", "unselected", "-t", 1,
                "--float-cache", "-o", theirs)
            theirs = bhroute.Table.load(str(theirs))
        model, tokenizer = gguf_to_transformers.load(NANO)
        windows = windows_of(tokenizer, TEXT.read_text(), 512, self.NUM_WINDOWS)
        ours = calibrate(model, windows, null="unselected")
        self.assertEqual(ours.layers, theirs.layers)
        self.assertEqual(ours.metadata["num_tokens"], theirs.metadata["num_tokens"])
        shares = np.linspace(0.001, 0.999, 999)
        for layer in ours.layers:
            quantiles = [np.repeat(np.asarray(table.null(layer).values), np.asarray(table.null(layer).counts).astype(int))
                         for table in (ours, theirs)]
            differences = np.abs(np.subtract(*(np.quantile(one, shares) for one in quantiles)))
            self.assertLess(differences.max(), 1e-3, f"layer {layer}")


class Windows(unittest.TestCase):
    def test_cut_and_refused(self):
        tokenizer = gguf_to_transformers.make_tokenizer(gguf_to_transformers.GgufModel(NANO))
        text = TEXT.read_text()[:4000]
        ids = tokenizer(text)["input_ids"]
        windows = windows_of(tokenizer, text, 100)
        self.assertEqual(windows.flatten().tolist(), ids[: len(ids) // 100 * 100])
        self.assertEqual(tuple(windows_of(tokenizer, text, 100, 2).shape), (2, 100))
        self.assertEqual(windows.dtype, torch.long)
        with self.assertRaisesRegex(ValueError, "want 99"):
            windows_of(tokenizer, text, 100, 99)
        with self.assertRaisesRegex(ValueError, "0 windows of 5000, want 1"):
            windows_of(tokenizer, text, 5000)


if __name__ == "__main__":
    unittest.main()
