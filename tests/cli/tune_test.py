"""tune with the embedded model, on very little text."""

import hashlib
import json
import os
import unittest

import support

FEW = ["-c", 32, "--windows", 8, "-t", 1, "--quiet", "--screen", 2, "--second", 2, "--final", 4]


@unittest.skipUnless(support.HAS_ENGINE, "built without an engine")
class Tune(support.CliTest):
    def flags(self, *more, fit=4):
        return ["tune", "-m", support.MODEL, "-f", support.NORTHANGER, "-o", "p.json", *FEW, "--fit", fit, *more]

    def read(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return json.load(file)

    def test_policy_ranking_and_resume(self):
        run = self.flags("--budget", 5, "--rules", "critical,min_p", "--sensitivity", 2, "--weights", "mass")
        first = self.ok(*run)
        self.assertIn("against fixed, 95 %", first.out)
        self.assertRegex(first.out, r"Its count on held-back text is \d\.\d+, [+-]\d+\.\d % off the budget")
        ranking = self.read("p.ranking.json")
        self.assertEqual({**ranking["ranking"][0]["policy"], "format_version": 1}, self.read("p.json"))
        self.assertEqual(ranking["windows_reused"], 0)
        rules = {one["policy"]["rule"] for one in ranking["ranking"]}
        self.assertEqual(rules, {"top_k", "top_k_per_layer", "critical", "min_p"})
        for one in ranking["ranking"]:
            if one["policy"]["rule"] != "top_k":
                self.assertLessEqual(one["static_difference_low"], one["static_difference"])
        again = self.ok(*run).out
        self.assertRegex(again, r"\d+ windows run, [1-9]\d* reused")
        self.assertEqual(self.read("p.ranking.json")["ranking"], ranking["ranking"])

    def test_table_and_policy_travel_together(self):
        self.ok(*self.flags("--budget", 4, "--rules", "bh", "--sensitivity", 0, "--weights", "mass"))
        best = "p.json" if self.read("p.json")["rule"] == "bh" else "p.adaptive.json"
        policy = self.read(best)
        table = best.replace(".json", ".safetensors")
        self.assertEqual(policy["table"], table)
        with open(self.path(table), "rb") as file:
            self.assertEqual(policy["table_sha256"], hashlib.sha256(file.read()).hexdigest())
        os.mkdir(self.path("elsewhere"))
        for name in (best, table):
            os.rename(self.path(name), self.path("elsewhere", name))
        evaluate = ["evaluate", "-m", support.MODEL, "-f", support.PERSUASION, "-c", 64, "--windows", 2, "-t", 1, "--quiet",
                    "--policy", "elsewhere/" + best, "--json"]
        self.assertAlmostEqual(self.ok(*evaluate).json()["mean_experts"], 4.0, delta=1.0)
        with open(self.path("elsewhere", table), "ab") as file:
            file.write(b" ")
        self.fails(2, *evaluate, says=["not the table that the policy was made with (SHA-256)"])

    def test_errors(self):
        model = ["tune", "-m", support.MODEL]
        self.fails(2, *model, "-o", "p.json", "--budget", 5, says=["--file", "missing"])
        self.fails(2, *self.flags(), says=["--budget"])
        self.fails(2, *self.flags("--budget", 64), says=["--budget: out of range, got 64, want 1 <= budget < 64"])
        self.fails(2, *self.flags("--budget", 5, "--rules", "critcal"), says=["--rules", "did you mean critical"])
        self.fails(2, *self.flags("--budget", 5, "--weights", "native,none"), says=["--weights", "none"])
        self.fails(2, *self.flags("--budget", 5, fit=7), says=["too short", "8 windows", "at least 9"])
        self.fails(2, *self.flags("--budget", 5, "--sensitivity", 5), says=["--sensitivity", "got 5, want 4"])
        self.fails(2, "tune", "-m", support.MODEL, "-f", support.NORTHANGER, "--budget", 5, "-o", "none/p.json", says=["--output"])


if __name__ == "__main__":
    unittest.main()
