"""A table of another model is refused by hash wherever a model is at hand; --force insists."""

import os

import scenario
import support

OTHER = os.path.join(support.SOURCE, "models", "olmoe-nano-elastic", "olmoe-nano-elastic-q8_0.gguf")
FLAGS = ["-f", support.PERSUASION, "-c", 64, "--windows", 1, "-t", 1, "--quiet"]
POLICY = "bh:alpha=0.2,max_k=8"
SAYS = ["t.safetensors: the table was made from another model (--force uses it all the same), got olmoe-nano (sha256 ", "want olmoe-nano-elastic"]


class Table(scenario.FaultCase):
    @classmethod
    def setUpClass(cls):
        maker = cls.maker_of_shared_files()
        cls.table = os.path.join(cls.shared, "t.safetensors")
        maker.ok("calibrate", "-m", support.MODEL, *FLAGS, "-o", cls.table)

    def check(self, *words):
        self.fails(2, *words, says=SAYS)
        self.ok(*words, "--force")

    def test_evaluate(self):
        self.check("evaluate", "-m", OTHER, *FLAGS, "--policy", POLICY, "--table", self.table)

    def test_run(self):
        self.check("run", "-m", OTHER, "-p", "She was", "-n", 2, "-t", 1, "--quiet", "--policy", POLICY, "--table", self.table)

    def test_predict_and_check(self):
        self.check("predict", self.table, "--policy", POLICY, "-m", OTHER, *FLAGS)
        self.check("check", self.table, "-m", OTHER, *FLAGS)

    def test_a_policy_that_names_another_table(self):
        self.ok("calibrate", "-m", support.MODEL, *FLAGS, "--reservoir", 8, "-o", "sampled.safetensors")
        logits = self.write("logits.txt", " ".join(str(i % 7) for i in range(64)))
        for name, says in ((self.table, f"warning: sampled.safetensors: the policy names another table, {self.table}"),
                           (self.path("sampled.safetensors"), None)):
            policy = ["--policy", f"{POLICY},table={name}"]
            for words in (["predict", "sampled.safetensors"], ["explain", "sampled.safetensors", "--layer", 0, "--logits", logits]):
                outcome = self.ok(*words, *policy)
                self.assertIn(says, outcome.err) if says else self.assertEqual(outcome.err, "")

    def test_sweep(self):
        entry = '{"name": "%s", "role": "%s", "null": "%s", "policy": "%s"}'
        lists = self.write("list.json", '{"configurations": [%s, %s]}' % (entry % ("own", "baseline", "", "top_k:k=8"),
                                                                          entry % ("bh", "grid", "all", POLICY)))
        self.check("sweep", "-m", OTHER, *FLAGS, "--configurations", lists, "--table", self.table, "-o", "out")

    def test_exec(self):
        """What the program would load is named by its own -m; here the program is one that only ends."""
        for flag in ("-m", "--model"):
            words = ["exec", "--policy", f"{POLICY},table={self.table}", "--", "ls", flag, OTHER]
            self.fails(2, *words, says=["t.safetensors: the table was made from another model (--force", "got olmoe-nano (sha256 ", OTHER])
            forced = self.bhroute(*words[:1], "--force", *words[1:])
            self.assertNotIn("another model", forced.err)  # `ls` itself has no such flag, and takes no plugin
        ours = self.bhroute("exec", "--policy", f"{POLICY},table={self.table}", "--", "ls", "-m", support.MODEL)
        self.assertNotIn("another model", ours.err)


if __name__ == "__main__":
    scenario.main()
