"""bhroute explain: on a table whose every p-value is known, and on the original system's."""

import math
import os
import unittest

import support

# Layer 0 of the original's tables: eight logits, their p-values to 1e-6, and 56 experts that no test rejects.
WORKED_LOGITS = [4.9269, 4.4873, 3.9007, 2.6784, 2.1228, 1.9569, 1.8446, 1.7174]
WORKED_P_VALUES = [0.000000, 0.000000, 0.000000, 0.000187, 0.002426, 0.003939, 0.005432, 0.007688]


def log_softmax(values):
    top = max(values)
    total = top + math.log(sum(math.exp(v - top) for v in values))
    return [v - total for v in values]


def step_up(p_values, critical_values):
    ranks = [k for k, (p, c) in enumerate(zip(sorted(p_values), critical_values), 1) if p <= c]
    return max(ranks, default=0)


class ExplainTest(support.CliTest):
    """A table of layer 3 with the calibration values 0, 1, ..., 999: p(z) = (1 + #{>= z})/1001."""

    def setUp(self):
        super().setUp()
        self.write("dumps/layer_3.npy", support.npy([125, 8], range(1000)))
        self.ok("calibrate", "--logits", "dumps", "--top-k", 2, "-o", "t.safetensors", "--quiet")

    def explain(self, logits, *flags):
        return self.ok("explain", "t.safetensors", "--layer", 3, "--logits", "-", "--json", *flags, stdin=logits).json()


class OtherRules(ExplainTest):
    LOGITS = "999 999.5 998 985 400 300 20 10"  # p = 2/1001, 1/1001, 3/1001, 16/1001, ...

    def test_every_procedure_shows_its_own_critical_values(self):
        first = {"by": 0.05 / 8 / sum(1 / k for k in range(1, 9)), "bonferroni": 0.05 / 8, "holm": 0.05 / 8,
                 "hochberg": 0.05 / 8, "fixed": 0.05}
        for rule, value in first.items():
            found = self.explain(self.LOGITS, "--policy", f"{rule}:alpha=0.05,max_k=8")
            self.assertAlmostEqual(found["critical_values"][0], value, places=15, msg=rule)
            self.assertEqual(found["num_passing"], found["num_selected"], rule)
        self.assertEqual(self.explain(self.LOGITS, "--policy", "fixed:alpha=0.01,max_k=8")["num_passing"], 3)

    def test_procedures_without_fixed_critical_values(self):
        storey = self.explain(self.LOGITS, "--policy", "storey:alpha=0.05,max_k=8")  # pi0 = (1 + 4)/(8/2)
        self.assertAlmostEqual(storey["critical_values"][0], 0.05 / 8 / 1.25, places=15)
        hc = self.explain(self.LOGITS, "--policy", "hc:max_k=8")
        self.assertEqual(hc["critical_values"], [])
        self.assertEqual(hc["num_passing"], hc["num_selected"])
        for rule in ("storey", "bky", "hc", "hc_plus", "hc_star", "holm"):
            text = self.ok("explain", "t.safetensors", "--layer", 3, "--logits", "-", "--policy", f"{rule}:max_k=8",
                           stdin=self.LOGITS).out
            self.assertIn("experts selected", text)

    def test_rules_without_p_values(self):
        found = self.explain("3 2.5 0 0 0 0 0 0", "--policy", "min_p:m=0.5,max_k=8")
        self.assertEqual((found["expert_ids"], found["p_values"]), ([0, 1], []))
        text = self.ok("explain", "t.safetensors", "--layer", 3, "--logits", "-", "--policy", "ser:max_k=4",
                       stdin=self.LOGITS).out
        self.assertIn("ser within min_k = 1 and max_k = 4", text)


class Decision(ExplainTest):
    def test_values(self):
        found = self.explain("5, 999 10\n998.5\t0 -7;2000 500")
        self.assertEqual(found["num_experts"], 8)
        counts = [995, 1, 990, 1, 1000, 1000, 0, 500]
        for p, count in zip(found["p_values"], counts):
            self.assertAlmostEqual(p, (1 + count) / 1001, places=12)
        self.assertEqual(found["critical_values"], [k / 8 * 0.05 for k in range(1, 9)])
        self.assertEqual(found["num_selected"], 3)
        self.assertEqual(found["expert_ids"], [6, 1, 3])  # equal p: the larger logit first
        self.assertEqual(found["num_passing"], 3)
        self.assertEqual(found["layer"], 3)
        self.assertTrue(found["table_available"])
        self.assertEqual(found["policy"]["rule"], "bh")

    def test_weights_are_the_softmax_over_all(self):
        logits = [1.0, 2.0, 3.0, 4.0, 0.5, 0.25, 0.0, -1.0]
        text = " ".join(map(str, logits))
        native = self.explain(text, "--policy", "bh:alpha=0.05,min_k=2,max_k=4")
        self.assertEqual(native["expert_ids"], [3, 2])
        for weight, expert in zip(native["routing_weights"], native["expert_ids"]):
            self.assertAlmostEqual(weight, math.exp(log_softmax(logits)[expert]), places=6)
        for flags in (["--policy", "bh:min_k=2,max_k=4,weights=renormalized"],
                      ["--policy", "bh:min_k=2,max_k=4", "--normalizes-weights"]):
            self.assertAlmostEqual(sum(self.explain(text, *flags)["routing_weights"]), 1.0, places=6)

    def test_top_k_has_no_p_values(self):
        found = self.explain("1 2 3 4 5 6 7 8", "--policy", "top_k:k=3")
        self.assertEqual((found["expert_ids"], found["p_values"]), ([7, 6, 5], []))
        text = self.ok("explain", "t.safetensors", "--layer", 3, "--logits", "-", "--policy", "top_k:k=3",
                       stdin="1 2 3 4 5 6 7 8").out
        self.assertIn("3 of 8 experts selected", text)

    def test_table_for_a_person(self):
        text = self.ok("explain", "t.safetensors", "--layer", 3, "--logits", "-", stdin="5 999 10 998.5 0 -7 2000 500").out
        self.assertRegex(text, r"rank +expert +logit +p-value +critical value")
        self.assertRegex(text, r"\n +1 +6 +2000\.0000 +0\.000999 +0\.006250 +pass +1\.000000\n")
        self.assertRegex(text, r"\n +4 +7 +500\.0000 +0\.500500 +0\.025000 +fail *\n")
        self.assertIn("3 of 8 experts selected: the largest rank that passes is 3", text)

    def test_bounds_are_told(self):
        run = ["explain", "t.safetensors", "--layer", 3, "--logits", "-", "--policy"]
        self.assertIn("no rank passes; min_k = 2 raises it",
                      self.ok(*run, "bh:min_k=2", stdin="1 2 3 4 5 6 7 8").out)
        self.assertIn("max_k = 1 lowers it", self.ok(*run, "bh:max_k=1", stdin="999 999 999 4 5 6 7 8").out)

    def test_a_layer_that_the_table_has_not_is_an_error(self):
        run = ["explain", "t.safetensors", "--logits", "-", "--layer"]
        for policy in ([], ["--policy", "top_k:k=3"]):
            self.fails(2, *run, 4, *policy, stdin="1 2 3 4 5 6 7 8", says="bhroute: t.safetensors: no such layer, got 4, want 3")
        for layer in (0, 1, 2):
            self.write(f"three/layer_{layer}.npy", support.npy([125, 8], range(1000)))
        self.ok("calibrate", "--logits", "three", "--top-k", 2, "-o", "t.safetensors", "--quiet")
        self.fails(2, *run, 3, stdin="1 2 3 4 5 6 7 8", says="no such layer, got 3, want 0, 1, 2")

    def test_a_layer_that_is_missing_of_the_models_falls_back_and_says_so(self):
        self.ok("export-kde", "t.safetensors", "pickles")  # of layer 3: as if 0, 1 and 2 had been lost
        run = ["explain", "pickles", "--logits", "-", "--layer"]
        outcome = self.ok(*run, 2, stdin="1 2 3 4 5 6 7 8")
        self.assertIn("bhroute: warning: ", outcome.err)
        self.assertIn("empirical fallback", outcome.out)
        found = self.ok(*run, 2, "--json", stdin="1 2 3 4 5 6 7 8").json()
        self.assertFalse(found["table_available"])
        self.assertEqual(found["p_values"], [1 - rank / 8 for rank in range(1, 9)])
        self.fails(2, *run, 9, stdin="1 2 3 4 5 6 7 8", says="no such layer, got 9, want 3")

    def test_npy(self):
        for shape in ([8], [1, 8]):
            path = self.write("token.npy", support.npy(shape, [1, 2, 3, 4, 5, 6, 7, 999]))
            found = self.ok("explain", "t.safetensors", "--layer", 3, "--logits", path, "--json").json()
            self.assertEqual(found["expert_ids"], [7])

    def test_nan_is_never_selected(self):
        found = self.explain("nan 999 1 2 3 4 5 inf")
        self.assertEqual(found["expert_ids"], [7, 1])
        self.assertIsNone(found["p_values"][0])


class Why(ExplainTest):
    def test_p_values_that_do_not_work(self):
        logits = WORKED_LOGITS + [0.01 * i for i in range(55)] + [-2.9]
        self.write("wide/layer_0.npy", support.npy([40, 64], range(2560)))
        self.ok("calibrate", "--logits", "wide", "-o", "wide.safetensors", "--quiet")
        found = self.ok("explain", "wide.safetensors", "--layer", 0, "--logits", "-", "--json", "--why",
                        stdin=" ".join(map(str, logits))).json()["why"]
        critical = [k / 64 * 0.05 for k in range(1, 65)]
        expected = [
            step_up([1 - math.exp(v) for v in log_softmax(logits)], critical),
            step_up(log_softmax([-r for r in logits]), [math.log(c) for c in critical]),
            step_up([sum(s >= r for s in logits) / 64 for r in logits], critical),
        ]
        self.assertEqual(expected, [0, 63, 0])
        self.assertEqual([way["num_passing"] for way in found], expected)
        self.assertEqual([way["num_selected"] for way in found], [1, 8, 1])
        self.assertEqual([way["p_values"] for way in found], ["1 - softmax", "log_softmax(-r)", "rank/N"])

    def test_reasons_for_a_person(self):
        text = self.ok("explain", "t.safetensors", "--layer", 3, "--logits", "-", "--why",
                       stdin="5 999 10 998.5 0 -7 2000 500").out
        for words in ("1 - softmax", "log_softmax(-r)", "rank/N", "0 of 8 pass, 1 selected"):
            self.assertIn(words, text)

    def test_needs_a_bh_policy(self):
        self.fails(2, "explain", "t.safetensors", "--layer", 3, "--logits", "-", "--why", "--policy", "top_k:k=2",
                   stdin="1 2 3", says=["--why", "top_k"])


class Errors(ExplainTest):
    def explain_fails(self, stdin, *flags, says):
        self.fails(2, "explain", "t.safetensors", "--layer", 3, "--logits", "-", *flags, stdin=stdin, says=says)

    def test_logits(self):
        self.explain_fails("1 2\n3 four 5", says=["stdin line 2, column 3", "not a number", "got 'four'"])
        self.explain_fails("1 2 3x", says=["column 5", "'3x'"])
        self.explain_fails("1 1e99", says="beyond the range")
        self.explain_fails("  \n", says="no logits")
        self.explain_fails("nan nan nan nan nan nan nan nan", says="NaN")
        self.explain_fails("1 2 3", says="8")  # the table is for 8 experts
        path = self.write("two.npy", support.npy([2, 8], range(16)))
        self.fails(2, "explain", "t.safetensors", "--layer", 3, "--logits", path, says="shape [2, 8]")
        self.fails(2, "explain", "t.safetensors", "--layer", 3, "--logits", "none.txt", says="none.txt: cannot read")

    def test_each_bound_of_a_policy(self):
        for policy, says in {
                "bh:alpha=0": ["alpha", "got 0"], "bh:alpha=1": ["alpha", "got 1"], "bh:alpha=-0.1": ["alpha", "-0.1"],
                "bh:alpha=nan": ["alpha"], "bh:alpha=x": ["alpha", "x"], "bh:temperature=0": ["temperature", "got 0"],
                "bh:temperature=inf": ["temperature"], "bh:min_k=0": ["min_k", "got 0"],
                "bh:min_k=4,max_k=2": ["min_k", "max_k"], "bh:max_k=9": ["max_k", "got 9", "8"],
                "top_k:k=0": ["k", "got 0"], "top_k:k=9": ["k", "got 9", "8"], "bh:alpa=0.1": ["alpa", "did you mean alpha?"],
                "bj:alpha=0.1": ["bj"], "bh:weights=heavy": ["weights", "heavy"], "none.json": ["none.json"]}.items():
            with self.subTest(policy):
                self.explain_fails("1 2 3 4 5 6 7 8", "--policy", policy, says=says)

    def test_policy_file(self):
        self.write("p.json", '{"rule": "bh", "alpha": 0.05, "min_k": 3, "max_k": 3}')
        self.assertEqual(self.explain("1 2 3 4 5 6 7 8", "--policy", "p.json")["expert_ids"], [7, 6, 5])
        self.write("bad.json", '{"rule": "bh", "alpha": 5}')
        self.explain_fails("1 2 3 4 5 6 7 8", "--policy", "bad.json", says=["alpha", "got 5"])
        self.write("broken.json", '{"rule": ')
        self.explain_fails("1 2 3 4 5 6 7 8", "--policy", "broken.json", says="broken.json")

    def test_table_too_small_for_alpha(self):
        self.explain_fails("1 2 3 4 5 6 7 8", "--policy", "bh:alpha=0.001", says=["7999"])  # N/alpha - 1

    def test_damaged_table(self):
        with open(self.path("t.safetensors"), "rb") as file:
            whole = file.read()
        for name, content in {"short": whole[:100], "half": whole[:len(whole) // 2], "empty": b"",
                              "garbage": b"\xff" * 200, "huge": b"\xff" * 7 + b"\x7f" + whole[8:]}.items():
            with self.subTest(name):
                self.write("bad.safetensors", content)
                self.fails(2, "explain", "bad.safetensors", "--layer", 0, "--logits", "-", stdin="1 2", says="bad.safetensors")
        self.fails(2, "explain", "none.safetensors", "--layer", 0, "--logits", "-", stdin="1 2", says="none.safetensors")


@unittest.skipUnless(os.environ.get("BHROUTE_SEED_TABLES"), "BHROUTE_SEED_TABLES names no folder of the original's tables")
class WorkedExample(support.CliTest):
    def test_seven_are_selected(self):
        logits = " ".join(map(str, WORKED_LOGITS + [-3.0] * 56))
        run = ["explain", os.environ["BHROUTE_SEED_TABLES"], "--layer", 0, "--logits", "-", "--policy", "bh:alpha=0.05,max_k=16"]
        outcome = self.ok(*run, "--json", stdin=logits)
        self.assertIn("Loaded 16 of 16 layers from", outcome.err)
        found = outcome.json()
        for p, expected in zip(found["p_values"], WORKED_P_VALUES):
            self.assertAlmostEqual(p, expected, delta=1e-6)
        self.assertEqual(found["num_selected"], 7)
        self.assertEqual(found["expert_ids"], list(range(7)))
        self.assertAlmostEqual(found["critical_values"][6], 7 * 0.05 / 64, places=15)

    def test_the_same_from_an_imported_table(self):
        self.ok("import-kde", os.environ["BHROUTE_SEED_TABLES"], "-o", "kde.safetensors", "--layers", 16)
        logits = " ".join(map(str, WORKED_LOGITS + [-3.0] * 56))
        run = ["explain", "kde.safetensors", "--layer", 0, "--logits", "-"]
        self.assertIn("7 of 64 experts selected: the largest rank that passes is 7", self.ok(*run, stdin=logits).out)


if __name__ == "__main__":
    unittest.main()
