"""The converted checkpoint says what llama.cpp says of the same weights."""

import contextlib
import io
import math
import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

import gguf
import torch
import transformers
from torch.nn import functional

from bhroute.tools import gguf_to_transformers
from bhroute.transformers import windows_of

SOURCE = Path(__file__).resolve().parents[2]
LLAMA = Path(os.environ.get("BHROUTE_LLAMA_DIR", ""))
NANO = SOURCE / "models/olmoe-nano/olmoe-nano-q8_0.gguf"
TEXT = SOURCE / "data/persuasion.txt"
NUM_WINDOWS = 4


def run(*arguments):
    """(exit code, stdout, stderr) of the program, in this process."""
    with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()) as err:
        code = gguf_to_transformers.main([str(word) for word in arguments])
    return code, out.getvalue(), err.getvalue()


class Converted(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.temporary.cleanup)
        cls.root = Path(cls.temporary.name)
        cls.folder = cls.root / "nano"
        cls.outcome = run(NANO, cls.folder)
        cls.left = sorted(path.name for path in cls.root.iterdir())
        cls.model = transformers.AutoModelForCausalLM.from_pretrained(cls.folder).eval()
        cls.tokenizer = transformers.AutoTokenizer.from_pretrained(cls.folder)

    def test_says_what_it_did(self):
        self.assertEqual(self.outcome[0], 0, self.outcome)
        self.assertEqual(self.left, ["nano"])

    def test_refuses_what_is_there(self):
        code, _, err = run(NANO, self.folder)
        self.assertEqual((code, err), (2, f"bhroute: {self.folder}: exists already, want a new folder\n"))

    def test_weights_are_the_dequantised_ones(self):
        stored = {tensor.name: tensor for tensor in gguf.GGUFReader(NANO).tensors}
        gate, down = (gguf.quants.dequantize(stored[f"blk.3.ffn_{part}_exps.weight"].data,
                                             stored[f"blk.3.ffn_{part}_exps.weight"].tensor_type)
                      for part in ("gate", "down"))
        experts = self.model.model.layers[3].mlp.experts
        self.assertTrue(torch.equal(experts.gate_up_proj[:, :64], torch.from_numpy(gate.copy())))
        self.assertTrue(torch.equal(experts.down_proj, torch.from_numpy(down.copy())))

    def test_text_comes_back(self):
        text = TEXT.read_text()[:20000]
        ids = self.tokenizer(text)["input_ids"]
        self.assertEqual(self.tokenizer.decode(ids), text)

    @unittest.skipUnless((LLAMA / "bin/llama-perplexity").is_file(), "no llama.cpp in BHROUTE_LLAMA_DIR")
    def test_loss_equals_llama_cpps(self):
        """llama.cpp on the same weights and with its cache in float32: else it rounds activations and keys."""
        with tempfile.TemporaryDirectory() as folder:
            plain, text = Path(folder, "f32.gguf"), Path(folder, "text.txt")
            text.write_text(TEXT.read_text()[:30000])
            subprocess.run([LLAMA / "bin/llama-quantize", "--allow-requantize", NANO, plain, "F32"], check=True,
                           capture_output=True)
            done = subprocess.run([LLAMA / "bin/llama-perplexity", "-m", plain, "-f", text, "-c", "512", "--chunks",
                                   str(NUM_WINDOWS), "-t", "1", "-tb", "1", "-ctk", "f32", "-ctv", "f32", "-fa", "off"],
                                  check=True, capture_output=True, text=True)
            windows = windows_of(self.tokenizer, text.read_text(), 512, NUM_WINDOWS)
        theirs = math.log(float(re.search(r"PPL = ([\d.]+)", done.stdout + done.stderr).group(1)))
        with torch.no_grad():
            logits = torch.cat([self.model(input_ids=one[None]).logits for one in windows]).double()
        # llama-perplexity scores the second half of each window.
        ours = functional.cross_entropy(logits[:, 256:-1].flatten(0, 1), windows[:, 257:].flatten()).item()
        self.assertAlmostEqual(ours, theirs, delta=3e-4)

    def test_other_dtypes(self):
        code, _, err = run(NANO, self.root / "half", "--dtype", "bfloat16")
        self.assertEqual(code, 0, err)
        model = transformers.AutoModelForCausalLM.from_pretrained(self.root / "half")
        self.assertEqual(model.dtype, torch.bfloat16)


class Refused(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.root = Path(temporary.name)

    def refuses(self, path, says):
        code, _, err = run(path, self.root / "out")
        self.assertEqual(code, 2, err)
        self.assertEqual(err.count("\n"), 1, err)
        self.assertIn(says, err)
        self.assertFalse((self.root / "out").exists())

    def write(self, architecture, **values):
        path = self.root / "made.gguf"
        writer = gguf.GGUFWriter(path, architecture)
        for key, value in values.items():
            writer.add_uint32(key, value)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        return path

    def test_another_architecture(self):
        self.refuses(self.write("llama"), "got llama, want olmoe")

    def test_a_missing_key(self):
        self.refuses(self.write("olmoe"), "no key 'olmoe.attention.head_count'")

    def test_not_a_gguf(self):
        path = self.root / "text.gguf"
        path.write_text("no model")
        self.refuses(path, "not a readable GGUF")
        self.refuses(self.root / "none.gguf", "not a readable GGUF")

    def test_a_cut_file(self):
        path = self.root / "cut.gguf"
        path.write_bytes(NANO.read_bytes()[:200000])
        self.refuses(path, "not a readable GGUF")


if __name__ == "__main__":
    unittest.main()
