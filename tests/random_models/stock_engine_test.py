#!/usr/bin/env python3
"""The random models load and run in the stock engine, and the quantiser takes them:

    stock_engine_test.py FOLDER LLAMA_BIN TEXT
"""

import pathlib
import subprocess
import sys
import tempfile
import unittest

FOLDER, BIN, TEXT = map(pathlib.Path, sys.argv[1:4])
ARCHITECTURES = 9


class StockEngine(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.text = pathlib.Path(self.scratch.name, "text.txt")
        self.text.write_bytes(TEXT.read_bytes()[2000:4000])
        self.addCleanup(self.scratch.cleanup)

    def run_perplexity(self, model):
        command = [BIN / "llama-perplexity", "-m", model, "-f", self.text, "-c", "128", "-b", "256", "-t", "1",
                   "--chunks", "2"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, f"{model}:\n{done.stderr[-2000:]}")
        # A quick run may lose its last lines: llama.cpp logs from a thread that it does not wait for.
        self.assertNotIn("nan", done.stdout + done.stderr)

    def test_every_model_runs(self):
        models = sorted(FOLDER.rglob("*.gguf"))
        self.assertEqual(len(models), 3 * ARCHITECTURES + 1)
        for model in models:
            with self.subTest(model=model.name):
                self.run_perplexity(model)

    def test_models_are_small(self):
        for model in FOLDER.rglob("*.gguf"):
            self.assertLess(model.stat().st_size, 1 << 22 if model.parent.name == "q4_k" else 700_000, model)

    def test_the_quantiser_takes_them(self):
        quantised = pathlib.Path(self.scratch.name, "quantised.gguf")
        for architecture in ("olmoe", "gpt-oss", "deepseek-v3"):
            with self.subTest(architecture=architecture):
                subprocess.run([BIN / "llama-quantize", FOLDER / f"{architecture}.gguf", quantised, "Q8_0", "1"],
                               capture_output=True, check=True)
                self.run_perplexity(quantised)


if __name__ == "__main__":
    if not FOLDER.is_dir():
        print(f"no models in {FOLDER}")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1])
