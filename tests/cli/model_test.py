"""calibrate, evaluate, sweep and report with the embedded model, on very little text."""

import json
import math
import os
import re
import shutil
import unittest

import document_blocks
import support

SHORT = ["-c", 64, "--windows", 2, "-t", 1, "--quiet"]
EVALUATE_KEYS = {"policy", "perplexity", "loss", "loss_se", "num_tokens", "mean_experts", "kl", "top1_agreement",
                 "tokens_per_second"}
RUN_KEYS = EVALUATE_KEYS | {"name", "role", "loss_difference", "loss_difference_se", "floor_share", "ceiling_share"}


@unittest.skipUnless(support.HAS_ENGINE, "built without an engine")
class ModelTest(support.CliTest):
    """The tables of two nulls, made once for all tests."""

    @classmethod
    def setUpClass(cls):
        maker = cls.maker_of_shared_files()
        cls.all = os.path.join(cls.shared, "all.safetensors")
        cls.unselected = os.path.join(cls.shared, "unselected.safetensors")
        cls.made = maker.ok("calibrate", "-m", support.MODEL, "-f", support.NORTHANGER, "-c", 128, "--windows", 2,
                            "-t", 1, "--null", "all", "-o", cls.all, "--null", "unselected", "-o", cls.unselected)

    def evaluate(self, policy, *flags):
        return self.ok("evaluate", "-m", support.MODEL, "-f", support.PERSUASION, "--policy", policy, *SHORT, *flags)

    def evaluate_fails(self, code, *flags, says, policy="bh:alpha=0.05", text=support.PERSUASION):
        return self.fails(code, "evaluate", "-m", support.MODEL, "-f", text, "--policy", policy, *SHORT, *flags, says=says)


class Calibrate(ModelTest):
    def test_says_what_it_made(self):
        self.assertIn("model olmoe-nano", self.made.err)
        self.assertIn("2 windows of 128 tokens", self.made.err)
        self.assertIn("256 tokens, 16384 values a layer, smallest p 6.1e-05", self.made.out)  # 1/16385
        self.assertIn("256 tokens, 14336 values a layer", self.made.out)
        self.assertRegex(self.made.err, r"calibrate: 2 windows in \d+ s")

    def test_table_knows_its_model_and_text(self):
        tensors, metadata = support.read_safetensors(self.all)
        self.assertEqual(metadata["num_experts"], "64")
        self.assertEqual(metadata["top_k"], "8")
        self.assertRegex(metadata["model_sha256"], "^[0-9a-f]{64}$")
        self.assertRegex(metadata["text_sha256"], "^[0-9a-f]{64}$")
        self.assertEqual(sum(name.endswith(".values") for name in tensors), int(metadata["num_layers"]))

    def test_errors(self):
        run = ["calibrate", "-o", "t.safetensors"]
        self.fails(2, *run, "-f", support.NORTHANGER, says=["--model", "missing"])
        self.fails(2, *run, "-m", support.MODEL, says=["--file", "missing"])
        self.fails(2, *run, "-m", "none.gguf", "-f", support.NORTHANGER, says="none.gguf: no such model file")
        self.fails(2, *run, "-m", support.MODEL, "-f", "none.txt", says="none.txt: cannot read")
        self.fails(2, *run, "-m", support.MODEL, "-f", self.write("empty.txt", ""), says="the text is empty")
        self.fails(2, *run, "-m", support.MODEL, "-f", self.write("newline.txt", "\n"), says="the text is empty")
        self.fails(2, *run, "-m", support.MODEL, "-f", self.write("short.txt", "Only a few words."),
                   says=["short.txt", "text too short", "tokens", "at least one window of 512"])
        self.fails(2, *run, "-m", support.MODEL, "-f", support.NORTHANGER, "-c", 2, says=["--window", "got 2"])
        self.fails(2, *run, "-m", support.MODEL, "-f", support.NORTHANGER, "-b", 0, says=["--batch", "got 0"])
        self.fails(2, *run, "-m", support.MODEL, "-f", support.NORTHANGER, "-t", -1, says=["--threads", "got -1"])
        self.fails(2, *run, "-m", support.MODEL, "-f", support.NORTHANGER, "--top-k", 4, says="--top-k")

    def test_files_that_are_no_mixture_of_experts(self):
        run = ["calibrate", "-o", "t.safetensors", "-f", support.NORTHANGER, "-m"]
        with open(support.MODEL, "rb") as file:
            head = file.read(1000)
        self.fails(2, *run, self.write("dense.gguf", support.dense_gguf()),
                   says=["dense.gguf", "not a mixture of experts", "'llama'"])
        self.fails(2, *run, self.write("cut.gguf", head), says=["cut.gguf", "not a readable GGUF"])
        self.fails(2, *run, self.write("text.gguf", "not a model"), says=["text.gguf", "not a readable GGUF"])


class Evaluate(ModelTest):
    def test_json(self):
        found = self.evaluate("bh:alpha=0.2,max_k=8", "--table", self.unselected, "--json").json()
        self.assertLessEqual(EVALUATE_KEYS, found.keys())
        self.assertEqual(found["policy"]["alpha"], 0.2)
        self.assertEqual(found["num_tokens"], 2 * 31)  # the second half of two windows of 64
        self.assertAlmostEqual(found["perplexity"], math.exp(found["loss"]), places=6)
        self.assertAlmostEqual(found["loss"] - found["own_loss"], found["loss_difference"], places=5)
        self.assertTrue(1 <= found["mean_experts"] <= 8)
        self.assertGreater(found["kl"], 0)
        self.assertTrue(0 < found["top1_agreement"] <= 1)
        self.assertEqual(found["versions"].keys(), {"bhroute", "engine"})
        self.assertIn("--policy bh:alpha=0.2,max_k=8", found["command"])
        self.assertEqual(found["model"]["sha256"], support.read_safetensors(self.all)[1]["model_sha256"])

    def test_own_routing_differs_in_nothing(self):
        found = self.evaluate("top_k:k=8,weights=native", "--json", "--losses", "losses.npy").json()
        self.assertAlmostEqual(found["loss"], found["own_loss"], places=12)
        self.assertEqual((found["kl"], found["top1_agreement"], found["loss_difference"]), (0, 1, 0))
        self.assertEqual((found["mean_experts"], found["min_experts"], found["max_experts"]), (8, 8, 8))
        losses = support.read_npy(self.path("losses.npy"))
        self.assertEqual(len(losses), found["num_tokens"])
        self.assertAlmostEqual(sum(losses) / len(losses), found["loss"], places=5)

    def test_for_a_person(self):
        text = self.evaluate("bh:max_k=16", "--table", self.all, "--score", "all").out
        for words in ("perplexity", "128 tokens scored (all)", "own routing", "KL(own || policy)", "top-1 agreement",
                      "experts per token", "at min_k = 1", "at max_k = 16", "tokens/s"):
            self.assertIn(words, text)

    def test_min_k_is_what_every_token_gets_at_least(self):
        strict = "bh:alpha=0.005,max_k=6,min_k="  # the null `all`: hardly a rank passes
        flags = ["--table", self.all, "--no-kl", "--json"]
        found = {k: self.evaluate(f"{strict}{k}", *flags).json() for k in (1, 3, 6)}
        for k, one in found.items():
            self.assertGreaterEqual(one["min_experts"], k)
            self.assertEqual(one["policy"]["min_k"], k)
        self.assertLess(found[1]["mean_experts"], found[3]["mean_experts"])
        self.assertGreater(found[3]["floor_share"], 0.5)
        self.assertEqual((found[6]["mean_experts"], found[6]["floor_share"]), (6, 1))
        fixed = self.evaluate("top_k:k=6", "--no-kl", "--json").json()
        self.assertAlmostEqual(found[6]["loss"], fixed["loss"], places=5)
        self.evaluate_fails(2, "--table", self.all, policy="bh:min_k=65,max_k=65", says=["max_k", "65", "64"])

    def test_without_the_own_run(self):
        found = self.evaluate("top_k:k=4", "--no-kl", "--json").json()
        self.assertEqual(found["mean_experts"], 4)
        for key in ("kl", "top1_agreement", "loss_difference", "own_loss"):
            self.assertNotIn(key, found)

    def test_no_temporary_file_stays(self):
        temporary = self.path("tmp")
        os.mkdir(temporary)
        self.ok("evaluate", "-m", support.MODEL, "-f", support.PERSUASION, "--policy", "top_k:k=4", *SHORT,
                env={"TMPDIR": temporary})
        self.assertEqual(os.listdir(temporary), [])

    def test_tables_of_the_policy_and_of_none(self):
        with_flag = self.evaluate("bh:max_k=4", "--table", self.all, "--no-kl", "--json").json()
        with_key = self.evaluate("bh:max_k=4,table=" + self.all, "--no-kl", "--json").json()
        self.assertEqual(with_flag["loss"], with_key["loss"])
        self.evaluate_fails(2, "--table", self.unselected, policy="bh:max_k=4,table=" + self.all,
                            says=["--table", "names another table"])
        outcome = self.evaluate("bh:max_k=4", "--no-kl", "--json")
        self.assertIn("bhroute: warning: ", outcome.err)
        warnings = [line for line in outcome.err.splitlines() if "warning" in line]
        self.assertEqual(len(warnings), 1, outcome.err)
        self.assertIn("./kde_models/models: p-values are ranks", warnings[0])
        self.assertNotEqual(outcome.json()["loss"], with_flag["loss"])

    def test_another_table_than_the_policys_is_refused_by_its_hash(self):
        self.write("p.json", json.dumps({"rule": "bh", "max_k": 4, "table": self.all, "table_sha256": "a" * 64}))
        says = "not the table that the policy was made with"
        self.evaluate_fails(2, policy="p.json", says=says)
        self.fails(2, "exec", "--policy", "p.json", "--", "true", says=says)
        self.write("list.json", json.dumps({"configurations": [
            {"name": "own", "role": "baseline", "policy": {"rule": "top_k", "k": 8}},
            {"name": "bh", "policy": {"rule": "bh", "max_k": 4, "table": self.all, "table_sha256": "a" * 64}}]}))
        self.fails(2, "sweep", "-m", support.MODEL, "-f", support.PERSUASION, *SHORT, "-o", "out", "--configurations", "list.json",
                   says=says)

    def test_a_folder_of_pickles_given_and_found(self):
        self.ok("export-kde", self.all, "pickles")
        run = ["evaluate", "-m", support.MODEL, "-f", support.PERSUASION, "--policy", "bh:max_k=4", "--no-kl", *SHORT[:-1]]
        given = self.ok(*run, "--table", "pickles")
        found = self.ok(*run, env={"BHROUTE_KDE_DIR": self.path("pickles")})
        for outcome in (given, found):
            self.assertEqual(outcome.err.count("Loaded 16 of 16 layers from"), 1, outcome.err)
            self.assertIn("does not say which model", outcome.err)
        perplexities = [re.search("perplexity.*", outcome.out).group() for outcome in (given, found)]
        self.assertEqual(perplexities[0], perplexities[1])

    def test_table_of_another_model(self):
        with open(self.all, "rb") as file:
            data = file.read()
        sha = support.read_safetensors(self.all)[1]["model_sha256"]
        other = self.write("other.safetensors", data.replace(sha.encode(), b"0" * 64))
        self.evaluate_fails(2, "--table", other, says=["another model", "000000000000", sha[:12], "--force"])
        forced = self.evaluate("bh:max_k=4", "--table", other, "--force", "--no-kl")
        self.assertIn("bhroute: warning: ", forced.err)

    def test_table_too_small_for_alpha(self):
        self.evaluate_fails(2, "--table", self.all, policy="bh:alpha=0.0001", says=["639999"])  # 64/alpha - 1

    def test_errors(self):
        self.evaluate_fails(2, "--table", "none.safetensors", says="none.safetensors")
        self.evaluate_fails(2, "--score", "third", says=["third", "second_half or all"])
        self.evaluate_fails(2, "--losses", "nowhere/losses.npy", says=["--losses", "no such folder"])
        self.evaluate_fails(2, policy="bh:max_k=65", says=["max_k", "got 65", "64"])
        self.evaluate_fails(2, policy="bh:alpha=2", says=["alpha", "got 2"])
        self.evaluate_fails(2, text="none.txt", says="none.txt")


class Compare(ModelTest):
    def summary(self, name, policy, *flags):
        self.ok("evaluate", "-m", support.MODEL, "-f", support.PERSUASION, *SHORT, "--no-kl", "--policy", policy,
                "--summary", name, *flags)

    def test_two_summaries(self):
        self.summary("four.json", "top_k:k=4")
        self.summary("eight.json", "top_k:k=8")
        found = self.ok("compare", "four.json", "eight.json", "--json").json()
        self.assertEqual(found["a"]["name"], "top_k:k=4,weights=native")
        self.assertEqual(found["experts_difference"], -4.0)
        self.assertLessEqual(found["loss_difference_low"], found["loss_difference"])
        self.assertLessEqual(found["loss_difference"], found["loss_difference_high"])
        self.assertAlmostEqual(found["loss_difference"], found["a"]["loss"] - found["b"]["loss"], places=5)
        text = self.ok("compare", "eight.json", "four.json").out
        self.assertIn("4.00 experts a token more.", text)
        self.assertIn(found["verdict"][-30:], self.ok("compare", "four.json", "eight.json").out)

    def test_what_cannot_be_compared_is_named(self):
        self.summary("one.json", "top_k:k=8")
        self.summary("all.json", "top_k:k=8", "--score", "all")
        self.fails(2, "compare", "one.json", "all.json", says=["differ in the scoring", "second_half", "all"])
        self.fails(2, "compare", "one.json", "none.json", says="none.json")
        self.fails(2, "compare", "one.json", self.write("list.json", "[]"), says="not a run's result")
        os.remove(self.path("one.losses.f32"))
        self.fails(2, "compare", "one.json", "one.json", says="one.losses.f32")


class TasksAndLogs(ModelTest):
    def test_a_task_and_a_routing_log(self):
        words = [{"text": "the king said to the queen that he was the king"}, {"text": "one two three four"}]
        self.write("words.jsonl", "".join(json.dumps(item) + "\n" for item in words))
        ending = {"ctx": "She sat down and", "endings": ["read a book.", "xq zzv.", "of of of.", "7 % @."], "label": 0}
        self.write("endings.jsonl", json.dumps(ending))
        found = self.ok("evaluate", "-m", support.MODEL, "-f", support.PERSUASION, *SHORT, "--no-kl", "--policy",
                        "bh:alpha=0.2,max_k=4", "--table", self.all, "--task", "lambada:words.jsonl", "--task",
                        "hellaswag:endings.jsonl", "--routing-log", "log.jsonl", "--log-every", "40", "--json").json()
        self.assertEqual([task["num_items"] for task in found["tasks"]], [2, 1])
        self.assertEqual(found["tasks"][1]["num_correct"], 1)
        with open(self.path("log.jsonl"), encoding="utf-8") as file:
            lines = [json.loads(line) for line in file]
        self.assertEqual({len(line["logits"]) for line in lines}, {64})
        self.assertEqual({len(line["p_values"]) for line in lines}, {64})
        self.assertEqual({line["layer"] for line in lines}, set(range(16)))
        self.assertEqual({line["text"] for line in lines}, {found["text"]["sha256"][:12]})
        for line in lines:
            best = sorted(range(64), key=lambda e: -line["logits"][e])[:len(line["selected"])]
            self.assertEqual(line["selected"], best)
            self.assertLessEqual(len(line["selected"]), 4)
        self.check_readers(self.path("log.jsonl"), [sum(len(line["selected"]) for line in lines if line["layer"] == layer) /
                                                    (len(lines) / 16) for layer in range(16)])

    def check_readers(self, log, means):
        """The commands that docs/metrics.md gives for the log, as they stand there."""
        (query,), (frame,) = (document_blocks.blocks("docs/metrics.md", language) for language in ("sql", "python"))
        first, _, log_read = frame.strip().rpartition("\n")
        for script in (f"import duckdb\nmeans = [mean for _, mean in duckdb.sql({query!r}).fetchall()]",
                       f"{first}\nlog = {log_read}\nmeans = log.selected.str.len().groupby(log.layer).mean().tolist()"):
            found = self.by_tools_python(script.replace("FILE.jsonl", log) + "\nprint(means)")
            for got, want in zip(json.loads(found), means, strict=True):
                self.assertAlmostEqual(got, want)

    def test_errors(self):
        run = ["evaluate", "-m", support.MODEL, "-f", support.PERSUASION, *SHORT, "--policy", "top_k:k=4", "--no-kl"]
        self.fails(2, *run, "--task", "words.jsonl", says=["--task", "names no file"])
        self.fails(2, *run, "--task", "arc:words.jsonl", says=["arc", "lambada or hellaswag"])
        self.fails(2, *run, "--task", "lambada:" + self.write("bad.jsonl", "{}"), says=["bad.jsonl:1", "'text' is missing"])
        self.fails(2, *run, "--routing-log", "nowhere/log.jsonl", says=["--routing-log", "no such folder"])


class Sweep(ModelTest):
    LIST = {"configurations": [
        {"name": "own", "role": "baseline", "policy": {"rule": "top_k", "k": 8}, "plain_override": True},
        {"name": "grid one", "role": "grid", "null": "all", "policy": {"rule": "bh", "alpha": 0.2, "max_k": 4}},
        {"name": "marked", "marking": "unselected", "null": "unselected", "policy": {"rule": "bh", "max_k": 4}},
        {"name": "too wide", "role": "grid", "null": "all", "policy": {"rule": "bh", "max_k": 128}},
        {"name": "static top-4", "marking": "static", "policy": {"rule": "top_k", "k": 4}, "plain_override": True}]}

    def sweep(self, *flags):
        return self.ok("sweep", "-m", support.MODEL, "-f", support.PERSUASION, "-o", "out", "--configurations",
                       self.write("list.json", json.dumps(self.LIST)), *SHORT, *flags)

    def names(self):
        with open(self.path("out", "results.json")) as file:
            return [run["name"] for run in json.load(file)["runs"]]

    def test_sweep_resume_and_report(self):
        out = self.sweep("--table", self.all).out
        self.assertEqual(self.names(), ["own", "grid one", "static top-4"])
        self.assertIn("3 configurations finished\n", out)
        self.assertRegex(out, r"\nstatic top-4 .* 4\.000 ")
        self.assertIn("note: too wide: left out", out)
        self.assertIn("note: marked: left out", out)
        self.assertIn("next:    bhroute report out", out)
        again = self.sweep("--table", self.all, "--table-unselected", self.unselected).out
        self.assertIn("4 configurations finished, 3 of them reused", again)
        self.assertEqual(len(re.findall(r"reused\n", again)), 3)
        with open(self.path("out", "results.json")) as file:
            results = json.load(file)
        self.assertLessEqual({"model", "text", "table", "versions", "runs"}, results.keys())
        for run in results["runs"]:
            self.assertLessEqual(RUN_KEYS, run.keys(), run["name"])
        self.assertEqual([run["role"] for run in results["runs"]], ["baseline", "grid", "reference", "reference"])
        self.assertTrue(os.path.exists(self.path("out", "results.csv")))
        self.assertIn("wrote out/report.html", self.ok("report", "out").out)
        self.ok("report", "out", "-o", "page.html")
        with open(self.path("page.html")) as file:
            self.assertIn("grid one", file.read())

    def test_grid_by_a_table_of_another_null(self):
        self.sweep("--table", self.unselected)
        with open(self.path("out", "results.json")) as file:
            nulls = {run["name"]: run["null"] for run in json.load(file)["runs"]}
        self.assertEqual(nulls["grid one"], "unselected")

    def test_list(self):
        listed = self.ok("sweep", "--print-configurations").json()["configurations"]
        grid = [one for one in listed if one["role"] == "grid"]
        self.assertEqual(len(grid), 20)
        self.assertEqual([one["role"] for one in listed].count("baseline"), 1)
        self.write("list.json", json.dumps({"configurations": listed}))
        self.assertEqual(self.ok("sweep", "--print-configurations", "--configurations", "list.json",
                                 "-m", support.MODEL).json()["configurations"], listed)

    def test_without_a_table_the_fallback_routes(self):
        own = {"name": "own", "role": "baseline", "policy": {"rule": "top_k", "k": 8}}
        bh = {"name": "bh", "role": "reference", "null": "all", "policy": {"rule": "bh", "alpha": 0.2, "max_k": 4}}
        self.write("two.json", json.dumps({"configurations": [own, bh]}))
        outcome = self.ok("sweep", "-m", support.MODEL, "-f", support.PERSUASION, *SHORT,
                          "--configurations", "two.json", "-o", "fallback")
        self.assertIn("./kde_models/models", outcome.err)
        with open(self.path("fallback/results.json"), encoding="utf-8") as results:
            names = [run["name"] for run in json.load(results)["runs"]]
        self.assertEqual(names, ["own", "bh"])

    def test_a_policys_own_table(self):
        """Relative to the list, a file or a folder; checked against the model as --table is."""
        own = {"name": "own", "role": "baseline", "policy": {"rule": "top_k", "k": 8}, "plain_override": True}
        bh = {"rule": "bh", "alpha": 0.2, "max_k": 4}
        shutil.copy(self.unselected, self.write("lists/t.safetensors", ""))
        self.ok("export-kde", self.all, "lists/pickles")
        os.remove(self.path("lists/pickles/distribution_model_layer_3.pkl"))
        listed = [own, {"name": "file", "policy": bh | {"table": "t.safetensors"}},
                  {"name": "folder", "policy": bh | {"table": "pickles"}}]
        self.write("lists/list.json", json.dumps({"configurations": listed}))
        run = ["sweep", "-m", support.MODEL, "-f", support.PERSUASION, *SHORT, "--configurations", "lists/list.json"]
        outcome = self.ok(*run, "-o", "out")
        self.assertIn("pickles: missing layers 3\n", outcome.err)
        self.assertNotIn("kde_models", outcome.err)
        with open(self.path("out/results.json"), encoding="utf-8") as file:
            runs = {run["name"]: run for run in json.load(file)["runs"]}
        self.assertEqual(runs["file"]["null"], "unselected")
        self.assertEqual(runs["folder"]["table"], "lists/pickles")
        imported = self.ok("import-kde", "lists/pickles", "-m", support.MODEL, "-o", "imported.safetensors")
        self.assertIn("missing layers 3\n", imported.err)
        self.assertIn("Loaded 15 of 16 layers from lists/pickles", imported.err)
        self.assertGreater(runs["file"]["mean_experts"], runs["folder"]["mean_experts"])
        with open(self.unselected, "rb") as file:
            data = file.read()
        sha = support.read_safetensors(self.unselected)[1]["model_sha256"]
        self.write("lists/t.safetensors", data.replace(sha.encode(), b"0" * 64))
        self.fails(2, *run, "-o", "other", says=["lists/t.safetensors", "another model", "--force"])
        self.ok(*run, "-o", "other", "--force")
        os.remove(self.path("lists/t.safetensors"))
        self.fails(2, *run, "-o", "other", says="lists/t.safetensors")

    def test_errors(self):
        run = ["sweep", "-m", support.MODEL, "-f", support.PERSUASION, *SHORT]
        self.fails(2, *run, says=["--output", "missing"])
        self.fails(2, *run, "-o", self.write("file", ""), says=["--output", "cannot make the folder"])
        self.fails(2, *run, "-o", "out", "--table", self.all, "--table-unselected", self.all,
                   says=["--table-unselected", "got all", "want unselected"])
        self.fails(2, *run, "-o", "out", "--table", self.unselected, "--table-unselected", self.unselected,
                   says=["--table-unselected", "second table"])
        self.fails(2, *run, "-o", "out", "--table", self.all, "--configurations", self.write("l.json", "{}"), says="l.json")
        self.fails(2, *run, "-o", "out", "--configurations", self.write("l.json", '{"configurations": []}'),
                   says=["l.json: an empty list, got no configurations, want one or more"])
        for policy in ("top_k:k=6", "top_k:k=8,weights=renormalized", "top_k:k=8,layers.0.k=2"):
            other = {"configurations": [{"name": "own", "role": "baseline", "policy": policy}]}
            self.fails(2, *run, "-o", "out", "--configurations", self.write("l.json", json.dumps(other)),
                       says=["bhroute: configuration 'own': the baseline is not the model's own routing, got top_k:k=", "want top_k:k=8,weights=native"])
        bad = {"configurations": [{"name": "x", "policy": {"rule": "bh", "alpha": 7}}]}
        self.fails(2, *run, "-o", "out", "--table", self.all, "--configurations",
                   self.write("l.json", json.dumps(bad)), says=["configurations[0]", "alpha", "got 7"])


class Report(support.CliTest):
    def test_errors(self):
        self.fails(2, "report", "none", says=["none/results.json: not found", "bhroute sweep", "-o none"])
        self.write("a/results.json", "{")
        self.fails(2, "report", "a", says=["a/results.json", "not JSON"])
        self.write("b/results.json", "{}")
        self.fails(2, "report", "b", says="b/results.json")
        self.write("c/results.json", '{"runs": 3}')
        self.fails(2, "report", "c", says="c/results.json")


if __name__ == "__main__":
    unittest.main()
