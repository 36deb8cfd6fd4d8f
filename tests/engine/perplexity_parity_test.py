#!/usr/bin/env python3
"""`bhroute evaluate` against stock llama-perplexity: the same file, windows and batch settings, all printed digits.

    perplexity_parity_test.py BHROUTE LLAMA_PERPLEXITY MODEL TEXT
"""
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

BHROUTE, LLAMA_PERPLEXITY, MODEL, TEXT = sys.argv[1:5]
CHUNKS = 6  # one batch of four windows and a shorter one


def stock(text, *flags):
    done = subprocess.run([LLAMA_PERPLEXITY, "-m", MODEL, "-f", text, "-c", "512", "--chunks", str(CHUNKS), *flags],
                          capture_output=True, text=True, check=True)
    found = re.search(r"Final estimate: PPL = ([\d.]+) \+/- ([\d.]+)", done.stdout + done.stderr)
    return found.group(1), found.group(2)


def ours(text, policy):
    done = subprocess.run([BHROUTE, "evaluate", "-m", MODEL, "-f", text, "--windows", str(CHUNKS), "--policy", policy,
                           "--no-kl", "--json"], capture_output=True, text=True, check=True)
    result = json.loads(done.stdout)
    return f"{result['perplexity']:.4f}", f"{result['perplexity_se']:.5f}"


class PerplexityParity(unittest.TestCase):
    def setUp(self):
        with open(TEXT, "rb") as whole:
            content = whole.read(30000)
        with tempfile.NamedTemporaryFile(delete=False, suffix=".txt") as part:
            part.write(content[: content.rfind(b"\n") + 1])  # a trailing newline, which both drop
        self.text = part.name

    def tearDown(self):
        os.unlink(self.text)

    def test_own_top_k(self):
        self.assertEqual(ours(self.text, "top_k:k=8"), stock(self.text))

    def test_fewer_experts_equal_the_plain_override(self):
        self.assertEqual(ours(self.text, "top_k:k=4"),
                         stock(self.text, "--override-kv", "olmoe.expert_used_count=int:4"))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
