"""The demo's three lines from a small results.json.  demo_summary_test.py"""

import pathlib
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools"))

import demo_summary  # noqa: E402


def run(role, mean_experts, loss, marking="", **policy):
    return {"role": role, "marking": marking, "policy": policy, "mean_experts": mean_experts, "loss": loss,
            "perplexity": 10 * loss}


RUNS = [
    run("baseline", 8.0, 3.7, rule="top_k", k=8),
    run("grid", 1.1, 6.7, rule="bh", alpha=0.05, max_k=16),
    run("grid", 1.9, 6.1, rule="bh", alpha=0.2, max_k=64),
    run("reference", 6.2, 4.4, "unselected", rule="bh", alpha=0.2, max_k=16),
    run("reference", 2.0, 5.0, "static", rule="top_k", k=2),
    run("reference", 6.0, 3.8, "static", rule="top_k", k=6),
]


class Summary(unittest.TestCase):
    def test_three_lines(self):
        baseline, null_all, unselected = demo_summary.summary({"runs": RUNS})
        self.assertIn("own routing (top-8)", baseline)
        self.assertIn("37.00", baseline)
        self.assertIn("best of 2 (alpha 0.2, max_k 64)", null_all)
        self.assertIn("(top-2: 50.00)", null_all)
        self.assertIn("null unselected, best of 1", unselected)
        self.assertIn("(top-6: 38.00)", unselected)

    def test_a_tuned_policy_stands_beside_its_weights(self):
        more = RUNS + [run("reference", 5.0, 3.9, "static", rule="top_k", k=5, weights="mass"),
                       run("reference", 5.1, 3.85, "tuned", rule="rank_signal", weights="mass") | {"name": "tuned for 5"}]
        lines = demo_summary.summary({"runs": more})
        self.assertEqual(len(lines), 4)
        self.assertRegex(lines[3], r"tuned for 5 .* 5\.10 experts .* 38\.50   \(top-5: 39\.00\)")

    def test_a_list_without_reference_points(self):
        lines = demo_summary.summary({"runs": RUNS[:2]})
        self.assertEqual(len(lines), 2)
        self.assertNotIn("(top-", lines[1])


if __name__ == "__main__":
    unittest.main()
