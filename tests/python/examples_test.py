"""The Python examples run: the original's two scripts, and the notebook of the 21 configurations."""

import os
import pickle
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np

EXAMPLES = Path(__file__).resolve().parents[2] / "examples/python"
SEED_TABLES = os.environ.get("BHROUTE_SEED_TABLES")


def run(script, *arguments, **environment):
    return subprocess.run([sys.executable, EXAMPLES / script, *arguments], capture_output=True, text=True, check=False,
                          env={**os.environ, **environment})


class Scripts(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = temporary.name

    def write(self, scale):
        """Tables of normal logits."""
        x = np.linspace(-20, 20, 2001)
        cdf = 1 / (1 + np.exp(-1.702 * x / scale))
        for layer in range(2):
            Path(self.folder, f"distribution_model_layer_{layer}.pkl").write_bytes(pickle.dumps({"x": x, "cdf": cdf}))

    def findings(self, *arguments):
        done = [run(script, *arguments) for script in ("test_kde_pvalues.py", "test_bh_routing.py")]
        return [one.returncode for one in done], "".join(one.stdout for one in done)

    def test_four_findings(self):
        self.write(scale=0.6)
        codes, out = self.findings(self.folder)
        self.assertEqual(codes, [0, 0], out)
        for finding in ("1. tables loaded: 2 layers, 2001 points each", "2. top experts significant: True",
                        "3. counts vary: True", "4. higher alpha selects more: True"):
            self.assertIn(finding, out)

    def test_tables_under_which_nothing_is_significant(self):
        self.write(scale=100.0)
        codes, out = self.findings(self.folder)
        self.assertEqual(codes, [1, 1], out)
        self.assertIn("2. top experts significant: False", out)
        self.assertIn("3. counts vary: False", out)

    def test_no_tables(self):
        done = run("test_bh_routing.py", BHROUTE_KDE_DIR=self.folder)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn("no tables found", done.stderr)

    @unittest.skipUnless(SEED_TABLES, "BHROUTE_SEED_TABLES names no folder of the original's tables")
    def test_on_the_originals_tables(self):
        codes, out = self.findings(SEED_TABLES)
        self.assertEqual(codes, [0, 0], out)
        self.assertIn("1. tables loaded: 16 layers, 10000 points each", out)
        # The worked example: seven of the eight smallest p-values pass.
        self.assertIn("token 0: 7 selected, p-values 0.000000 0.000000 0.000000 0.000187 0.002426 0.003939 0.005432 0.007688",
                      out)


class Notebook(unittest.TestCase):
    ROW = re.compile(r"^((?:bh|top_k):\S+)\s+([\d.]+)\s+[\d.]+\s+([\d.]+)\s+([\d.]+)%", re.MULTILINE)

    def test_the_21_configurations(self):
        import nbclient
        import nbformat

        notebook = nbformat.read(EXAMPLES / "olmoe_nano.ipynb", as_version=4)
        nbclient.NotebookClient(notebook, timeout=240, resources={"metadata": {"path": EXAMPLES}}).execute()
        printed = "".join(output.text for cell in notebook.cells if cell.cell_type == "code"
                          for output in cell.outputs if output.output_type == "stream" and output.name == "stdout")
        rows = {policy: (float(loss), float(mean)) for policy, loss, mean, _ in self.ROW.findall(printed)[:21]}
        self.assertEqual(len(rows), 21, printed)
        baseline = rows["top_k:k=8"]
        self.assertEqual(baseline[1], 8.0)
        self.assertEqual(min(rows.values()), baseline)  # the null `all` gives nearly every token one expert
        for max_k in (4, 8, 16, 32, 64):
            means = [rows[f"bh:alpha={alpha},min_k=1,max_k={max_k}"][1] for alpha in (0.01, 0.05, 0.1, 0.2)]
            self.assertEqual(means, sorted(means))
            self.assertLess(means[0], means[-1])
        self.assertEqual(len(re.findall(r"^layer +\d+:", printed, re.MULTILINE)), 16)


if __name__ == "__main__":
    unittest.main()
