"""predict and check: counts from a table's sampled rows, and p-values on another text, with the embedded model."""

import json
import os
import unittest

import support

SHORT = ["-c", 64, "--windows", 2, "-t", 1, "--quiet"]
POLICY = "bh:alpha=0.2,max_k=16"


@unittest.skipUnless(support.HAS_ENGINE, "built without an engine")
class WithTables(support.CliTest):
    """A table with sampled rows and one without, made once for all tests."""

    @classmethod
    def setUpClass(cls):
        maker = cls.maker_of_shared_files()
        cls.table = os.path.join(cls.shared, "unselected.safetensors")
        cls.all = os.path.join(cls.shared, "all.safetensors")
        cls.bare = os.path.join(cls.shared, "bare.safetensors")
        run = ["calibrate", "-m", support.MODEL, "-f", support.NORTHANGER, "-c", 128, "--windows", 2, "-t", 1, "--quiet"]
        maker.ok(*run, "--reservoir", 200, "--null", "all", "-o", cls.all, "--null", "unselected", "-o", cls.table)
        maker.ok(*run, "--reservoir", 0, "-o", cls.bare)


class Predict(WithTables):
    def test_a_line_a_layer_without_a_model(self):
        text = self.ok("predict", self.table, "--policy", POLICY).out
        self.assertRegex(text, r"layer +predicted +sd +floor +ceiling\n")
        self.assertRegex(text, r"\n15 +\d+\.\d{3} +\d")
        self.assertRegex(text, r"\nall +\d+\.\d{3} +\d")
        self.assertIn("min_k = 1 selects experts whatever their p-values are", text)
        found = self.ok("predict", self.table, "--policy", POLICY, "--json").json()
        self.assertEqual([layer["layer"] for layer in found["layers"]], list(range(16)))
        means = [layer["mean_experts"] for layer in found["layers"]]
        self.assertAlmostEqual(found["mean_experts"], sum(means) / 16, places=6)
        self.assertNotIn("drift", found)
        self.assertIn("alpha is a dial", found["note"])

    def test_a_fixed_count_is_predicted_exactly(self):
        found = self.ok("predict", self.table, "--policy", "top_k:k=3", "--json").json()
        self.assertEqual((found["mean_experts"], found["sd_experts"]), (3.0, 0.0))
        self.assertNotIn("note", found)

    def test_min_k_is_the_floor_of_every_layer(self):
        found = self.ok("predict", self.table, "--policy", "bh:alpha=0.05,min_k=4,max_k=8", "--json").json()
        for layer in found["layers"]:
            self.assertGreaterEqual(layer["mean_experts"], 4)
        whole = self.ok("predict", self.table, "--policy", "bh:alpha=0.05,min_k=8,max_k=8", "--json").json()
        self.assertEqual((whole["mean_experts"], whole["floor_share"]), (8, 1))
        self.assertIn("min_k = 4", self.ok("predict", self.table, "--policy", "bh:alpha=0.05,min_k=4,max_k=8").out)

    def test_measured_beside_predicted(self):
        run = ["predict", self.table, "--policy", POLICY, "-m", support.MODEL, "-f", support.PERSUASION, *SHORT]
        text = self.ok(*run).out
        self.assertRegex(text, r"ceiling +measured +drift\n")
        self.assertRegex(text, r"Measured against predicted: [+-]\d+\.\d% in the first layer \(0\), [+-]\d+\.\d% in the "
                               r"farthest \(\d+\), [+-]\d+\.\d% over all layers\.")
        found = self.ok(*run, "--json").json()
        for each in [found, *found["layers"]]:
            self.assertAlmostEqual(each["drift"], each["measured_mean_experts"] / each["mean_experts"] - 1, places=9)

    def test_a_list_and_what_cannot_be_told_apart(self):
        path = self.write("list.json", """{"configurations": [
            {"name": "a", "policy": {"rule": "bh", "alpha": 0.2, "max_k": 16}, "null": "unselected"},
            {"name": "b", "policy": {"rule": "bh", "alpha": 0.2, "max_k": 16}, "null": "unselected"},
            {"name": "c", "policy": {"rule": "bh", "alpha": 0.01, "max_k": 16}, "null": "all"}]}""")
        outcome = self.ok("predict", self.all, self.table, "--configurations", path)
        self.assertRegex(outcome.out, r"\n  a = b\n")
        self.assertNotRegex(outcome.out, r" = c|c = ")

    def test_errors(self):
        self.fails(2, "predict", self.table, says=["needs one of --policy and --configurations", "neither"])
        self.fails(2, "predict", self.table, "--policy", POLICY, "--configurations", "x.json", says="got both")
        self.fails(2, "predict", self.table, self.all, "--policy", POLICY, says=["one table", "2 tables"])
        self.fails(2, "predict", self.table, "--policy", "bhh", says="did you mean bh?")
        self.fails(2, "predict", "none.safetensors", "--policy", POLICY, says="none.safetensors")
        self.fails(2, "predict", self.table, "--configurations", "none.json", says="none.json")
        self.fails(2, "predict", self.bare, "--policy", POLICY, says=["bare.safetensors", "--reservoir"])
        self.fails(2, "predict", self.write("t.safetensors", "no table"), "--policy", POLICY, says="t.safetensors")


class Check(WithTables):
    def check(self, table, *flags, text=support.PERSUASION):
        return self.ok("check", table, "-m", support.MODEL, "-f", text, *SHORT, *flags)

    def test_words_for_a_person(self):
        text = self.check(self.table).out
        self.assertRegex(text, r"layer +KS of p +H0 ")
        self.assertEqual(sum(line.split()[:1] == [str(layer)] for layer in range(16) for line in text.splitlines()), 16)
        for words in ("H0 of the null `unselected`", "does not apply to this table", "alpha is a dial"):
            self.assertIn(words, text)

    def test_json_and_the_bound_of_the_null_all(self):
        found = self.check(self.all, "--json", "-o", "check.json").json()
        with open(self.path("check.json"), encoding="utf-8") as file:
            self.assertEqual(found, json.load(file))
        self.assertTrue(found["bound_applies"])
        self.assertEqual(len(found["layers"]), 16)
        for layer in found["layers"]:
            self.assertTrue(0 <= layer["ks"] <= 1)
            self.assertEqual(layer["qq"], sorted(layer["qq"]))
            self.assertIn(layer["verdict"], ("holds", "holds roughly", "does not hold"))
            for rate in layer["rates"]:
                self.assertAlmostEqual(rate["bound"], 64 * rate["alpha"])

    def test_its_own_text_is_not_fresh(self):
        outcome = self.bhroute("check", self.table, "-m", support.MODEL, "-f", support.NORTHANGER, *SHORT[:-1])
        self.assertIn("check: ", outcome.err)
        self.assertNotIn("calibrate: ", outcome.err)
        self.assertEqual(outcome.code, 0)
        self.assertIn("nothing here is fresh", outcome.err)

    def test_errors(self):
        run = ["check", self.table, "-m", support.MODEL, "-f"]
        self.fails(2, *run, "none.txt", says="none.txt")
        self.fails(2, *run, support.PERSUASION, "-o", "no/such/folder/check.json", says="--output")
        self.fails(2, "check", "none.safetensors", "-m", support.MODEL, "-f", support.PERSUASION, says="none.safetensors")
        self.fails(2, "check", self.table, "-f", support.PERSUASION, says=["--model", "missing"])


if __name__ == "__main__":
    unittest.main()
