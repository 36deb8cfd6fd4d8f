"""`bhroute run`: text under a policy."""

import unittest

import support

PROMPT = "It was a fine day, and"


@unittest.skipUnless(support.HAS_ENGINE, "built without an engine")
class RunTest(support.CliTest):
    def run_nano(self, *flags):
        return self.ok("run", "-m", support.MODEL, "-p", PROMPT, "-n", 12, "-t", 1, *flags)

    def test_streams_text_and_sums_up(self):
        outcome = self.run_nano("--policy", "top_k:k=4")
        self.assertTrue(outcome.out.strip())
        self.assertRegex(outcome.err, r"written: 12 tokens, [\d.]+ tokens/s, 4\.00 experts a token \(own top_k 8\)")
        self.assertIn("policy top_k:k=4", outcome.err)
        self.assertIn("engine llama.cpp", outcome.err)

    def test_json(self):
        own = self.run_nano("--json").json()
        self.assertEqual((own["num_tokens"], own["mean_experts"], own["policy"]), (12, 8.0, None))
        self.assertGreater(own["tokens_per_second"], 0)
        same = self.run_nano("--json", "--policy", "top_k:k=8").json()
        self.assertEqual(same["text"], own["text"])
        fewer = self.run_nano("--json", "--policy", "top_k:k=1").json()
        self.assertNotEqual(fewer["text"], own["text"])
        self.assertEqual(fewer["mean_experts"], 1.0)
        self.assertEqual(fewer["policy"]["k"], 1)

    def test_more_experts_than_the_models_own(self):
        self.assertEqual(self.run_nano("--json", "--policy", "top_k:k=12").json()["mean_experts"], 12.0)

    def test_both_ways_write_the_same(self):
        policy = ["--json", "--policy", "top_k:k=3"]
        plugin = self.run_nano(*policy, "--engine", "plugin").json()
        callback = self.run_nano(*policy, "--engine", "callback").json()
        self.assertTrue(plugin["engine"].endswith(", plugin"), plugin["engine"])
        self.assertTrue(callback["engine"].endswith(", callback"), callback["engine"])
        self.assertEqual(plugin["text"], callback["text"])
        self.assertEqual(plugin["mean_experts"], callback["mean_experts"])

    def test_layers_for_a_gpu_that_is_not_there(self):
        if "CUDA" in self.ok("info").out:
            self.skipTest("the engine has a GPU")
        warnings = [line for line in self.run_nano("-ngl", 99).err.splitlines() if "warning" in line]
        self.assertEqual(warnings, ["bhroute: warning: --gpu-layers: this engine has no GPU, got 99: every layer runs on the CPU"])
        self.assertNotIn("warning", self.run_nano("-ngl", 0).err)

    def test_errors(self):
        self.fails(2, "run", "-m", support.MODEL, "-p", "It", "--table", "t.safetensors",
                   says="bhroute: --table: is for a policy, and there is none, got t.safetensors, want --policy POLICY beside it")
        run = ["run", "-m", support.MODEL, "-p", PROMPT]
        self.fails(2, "run", "-p", PROMPT, says=["--model", "missing"])
        self.fails(2, "run", "-m", support.MODEL, says=["--prompt", "missing"])
        self.fails(2, *run, "--policy", "top_q:k=4", says="top_q")
        self.fails(2, *run, "--policy", "top_k:k=65", says=["65", "64"])
        self.fails(2, *run, "--engine", "plugin!", says=["--engine", "got plugin!"])
        self.fails(2, *run, "--temp", -1, says=["--temp", "got -1"])
        self.fails(2, *run, "-c", 32, "-n", 100, says=["does not fit", "at most 32"])


if __name__ == "__main__":
    unittest.main()
