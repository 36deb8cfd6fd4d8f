"""What a person is told of a word, a file or a folder that is the wrong one: in this program's words, in one line, exit code 2."""

import os
import re
import subprocess
import unittest

import support

KIND_OF_FILE = {"a.json": b'{"key": 1, "more": [1, 2, 3]}', "list.json": b"[1, 2, 3, 4, 5]", "m.gguf": b"GGUF\x03" + b"\0" * 40, "k.pkl": b"\x80\x04\x95" + b"k" * 40,
                "t.npy": b"\x93NUMPY\x01\x00" + b"\0" * 40, "text.txt": b"It was a fine day, and they walked."}
MODEL_FLAGS = {"--window", "--windows", "--threads", "--batch", "--micro-batch", "--gpu-layers"}
WHOLE = {"quickstart": MODEL_FLAGS, "calibrate": MODEL_FLAGS | {"--top-k", "--grid", "--reservoir", "--seed"}, "check": MODEL_FLAGS, "sweep": MODEL_FLAGS,
         "predict": MODEL_FLAGS, "evaluate": MODEL_FLAGS | {"--log-every"}, "tune": MODEL_FLAGS | {"--fit", "--sensitivity", "--screen", "--second", "--final"},
         "run": {"--tokens", "--seed", "--context", "--threads", "--gpu-layers"}, "explain": {"--layer"}, "import-kde": {"--layers"}}
NUMBERS = {"quickstart": {"--budget"}, "tune": {"--budget"}, "run": {"--temp"}, "fdr": {"--alpha", "--lambda", "--kappa", "--beta"}}
BEYOND = "9" * 23  # 64 bits and more
KIND_NAMES = {"a.json": "JSON", "list.json": "JSON", "m.gguf": "a GGUF model", "k.pkl": "a pickle", "t.npy": "a .npy array", "text.txt": "other bytes"}


class SparedInputs(support.CliTest):
    """What a command reads it does not replace, by whatever name."""

    def setUp(self):
        super().setUp()
        for name in ("m.gguf", "t.txt", "t.st", "u.st"):
            self.write(name, name)
        self.write("p.json", '{"rule": "bh", "alpha": 0.2, "table": "t.st"}')
        os.symlink("m.gguf", self.path("link.gguf"))
        for name in ("sw/results.json", "sw/runs/own.json", "kde/distribution_model_layer_0.pkl", "dumps/layer_0.npy", "task.jsonl"):
            self.write(name, name)

    def test_outputs_that_are_inputs(self):
        calibrate, evaluate = ["calibrate", "-m", "m.gguf", "-f", "t.txt"], ["evaluate", "-m", "m.gguf", "-f", "t.txt", "--policy", "p.json"]
        for words, flag, output in ((calibrate, "-o", "m.gguf"), (calibrate, "-o", "link.gguf"), (calibrate, "-o", "./t.txt"),
                                    (evaluate, "--summary", "p.json"), (evaluate, "--losses", "t.st"), (evaluate, "--routing-log", "t.txt"),
                                    (["report", "sw"], "-o", "sw/results.json"), (["report", "./sw"], "-o", "sw/runs/own.json"),
                                    (["import-kde", "kde"], "-o", "kde/distribution_model_layer_0.pkl"),
                                    (["calibrate", "--logits", "dumps"], "-o", "dumps/layer_0.npy"),
                                    ([*evaluate, "--task", "lambada:task.jsonl"], "--summary", "task.jsonl"),
                                    (["sweep", "-m", "m.gguf", "-f", "t.txt", "--configurations", "sw/results.json"], "-o", "sw"),
                                    (["merge", "t.st", "u.st"], "-o", "u.st"), (["exec", "--policy", "p.json"], "--stats", "p.json")):
            rest = ["--", "ls"] if words[0] == "exec" else []
            name = "--output" if flag == "-o" else flag
            told = self.fails(2, *words, flag, output, *rest, says=f"bhroute: {name}: would replace what the command reads, got {output}, want another place than ")
            self.assertEqual(len(told.err.splitlines()), 1)
        for name in ("m.gguf", "t.txt", "t.st", "u.st", "sw/results.json", "sw/runs/own.json", "dumps/layer_0.npy", "task.jsonl"):
            with open(self.path(name), encoding="utf-8") as file:
                self.assertEqual(file.read(), name)

    def test_words_that_are_no_files_are_none(self):
        """A null's name and another program's words may be an output's name."""
        self.write("all", "")
        self.fails(2, "calibrate", "-m", "m.gguf", "-f", "t.txt", "--null", "all", "-o", "all", says="bhroute: m.gguf: ")
        self.write("s.json", "")
        self.assertNotIn("would replace", self.bhroute("exec", "--policy", "top_k:k=2", "--stats", "s.json", "--", "ls", "s.json").err)

    @unittest.skipUnless(support.HAS_ENGINE, "no engine in this build")
    def test_a_policy_in_a_pipe_is_read_once(self):
        os.mkfifo(self.path("pipe"))
        writer = subprocess.Popen(["sh", "-c", "echo '{\"rule\": \"top_k\", \"k\": 2}' > pipe"], cwd=self.folder)
        self.addCleanup(writer.wait)
        self.addCleanup(writer.kill)
        self.assertIn("BHROUTE_POLICY=top_k:k=2", self.bhroute("exec", "--policy", "pipe", "--stats", "s.json", "--", "env", env=support.HOST_VARIABLES).out)


class Values(support.CliTest):
    maxDiff = None
    EVALUATE = ["evaluate", "-m", "m.gguf", "-f", "t.txt", "--policy", "top_k:k=2"]

    def test_what_is_no_number(self):
        for got in ("abc", "1.5"):
            self.fails(2, *self.EVALUATE, "--windows", got, says=f"bhroute: evaluate: --windows: cannot be read, got {got}, want a whole number")
        self.fails(2, "tune", "-m", "m.gguf", "-f", "t.txt", "-o", "p.json", "--budget", "few", says="bhroute: tune: --budget: cannot be read, got few, want a number")
        self.fails(2, "fdr", "p.csv", "--alpha", "x\ny", says="bhroute: fdr: --alpha: cannot be read, got x y, want a number")

    def flags_that_say(self, want):
        """Of every subcommand's flags with a value, those whose value "abc" is answered by `want`."""
        sections = re.split(r"^### (\S+)$", self.ok("man", "--markdown").out, flags=re.MULTILINE)[1:]
        found = {}
        for name, page in zip(sections[::2], sections[1::2]):
            for flag in re.findall(r"^\| `(?:-\S+ )?(--\S+) [A-Z][^`]*`", page, re.MULTILINE):
                if self.bhroute(name, flag, "abc").err == f"bhroute: {name}: {flag}: cannot be read, got abc, want {want}\n":
                    found.setdefault(name, set()).add(flag)
        return found

    def test_every_flag_of_a_number_says_which_kind_it_wants(self):
        self.assertEqual(self.flags_that_say("a whole number"), WHOLE)
        self.assertEqual(self.flags_that_say("a number"), NUMBERS)

    def test_every_count_refuses_fractions_and_what_is_too_large(self):
        for name, flags in WHOLE.items():
            for flag in flags:
                for got in ("1.5", "1e3", "7x"):
                    self.fails(2, name, flag, got, says=f"bhroute: {name}: {flag}: cannot be read, got {got}, want a whole number")
                outcome = self.fails(2, name, flag, BEYOND, says=f"bhroute: {name}: {flag}: out of range, got {BEYOND}, want ")
                self.assertRegex(outcome.err, r"want (0|-\d+) to \d+$")
                if flag != "--gpu-layers":
                    self.fails(2, name, flag, "-1", says=[f"bhroute: {name}: {flag}: ", ", got -1, want 0 "])

    def test_the_largest_count_has_64_bits(self):
        self.fails(2, *self.EVALUATE, "--windows", 2**64, says=f"out of range, got {2**64}, want 0 to {2**64 - 1}")
        self.assertNotIn("out of range", self.bhroute(*self.EVALUATE, "--windows", 2**64 - 1).err)
        self.fails(2, *self.EVALUATE, "--threads", 2**31, says=f"out of range, got {2**31}, want 0 to {2**31 - 1}")

    def test_out_of_range(self):
        self.fails(2, "explain", "t", "--layer", "-1", "--logits", "-", says="bhroute: explain: --layer: out of range, got -1, want 0 to 10000")
        self.fails(2, "import-kde", "x", "-o", "y", "--layers", 10001, says="bhroute: import-kde: --layers: out of range, got 10001, want 0 to 10000")

    def test_a_flag_takes_no_value(self):
        self.fails(2, *self.EVALUATE, "--json=abc", says="bhroute: evaluate: --json: takes no value, got abc")

    def test_too_few_and_too_many(self):
        self.fails(2, *self.EVALUATE, "--windows", says="bhroute: evaluate: --windows: no value, want N")
        self.fails(2, *self.EVALUATE, "--policy", "top_k:k=3", says="bhroute: evaluate: --policy: given more than once, got 2, want 1")
        self.fails(2, "import-kde", "x", "-o", "y", "--layers", 3, "-m", "m.gguf", says=["bhroute: import-kde: --layers: not together with --model"])


class Files(support.CliTest):
    def setUp(self):
        super().setUp()
        for name, content in KIND_OF_FILE.items():
            self.write(name, content)

    def test_no_table(self):
        for name, kind in KIND_NAMES.items():
            for words in (["predict", name, "--policy", "bh"], ["merge", name, name, "-o", "all.safetensors"], ["export-kde", name, "out"]):
                outcome = self.fails(2, *words, says=[f"bhroute: {name}: not a table (a safetensors file)", f"got {kind}", "want what bhroute calibrate writes"])
                self.assertNotRegex(outcome.err, r"\d{8}")

    def test_no_run(self):
        outcome = self.fails(2, "compare", "a.json", "a.json", says=["bhroute: a.json: not a run's result: key 'model' not found", "want DIR/runs/NAME.json"])
        self.assertNotIn("exception", outcome.err)
        self.write("b.json", '{"model": 3, "text": {"sha256": 5}, "window": -1, "windows": 2, "score": "all"}')
        self.assertNotIn("exception", self.fails(2, "compare", "b.json", "b.json", says="bhroute: b.json: not a run's result: ").err)

    @unittest.skipUnless(support.HAS_ENGINE, "no engine in this build")
    def test_no_model(self):
        for words in (["evaluate", "-f", support.NORTHANGER, "--policy", "top_k:k=2"], ["run", "-p", "It"], ["import-kde", ".", "-o", "all.safetensors"]):
            self.fails(2, *words, "-m", ".", says="bhroute: .: is a folder, want a GGUF file")
            self.fails(2, *words, "-m", "gone.gguf", says="bhroute: gone.gguf: no such model file")
            self.fails(2, *words, "-m", "a.json", says="bhroute: a.json: not a readable GGUF: begins with other bytes, want the magic GGUF")

    def test_no_folder_of_pickles(self):
        self.fails(2, "import-kde", "gone", "-o", "t.safetensors", says="bhroute: gone: no such folder, want one of files distribution_model_layer_<layer>.pkl")
        os.rename(self.path("k.pkl"), self.path("distribution_model_layer_0.pkl"))
        self.fails(2, "import-kde", "distribution_model_layer_0.pkl", "-o", "t.safetensors",
                   says="bhroute: distribution_model_layer_0.pkl: is a file, want the folder of files distribution_model_layer_<layer>.pkl")
        os.mkdir(self.path("empty"))
        self.fails(2, "import-kde", "empty", "-o", "t.safetensors", says="bhroute: empty: no KDE tables found, want files distribution_model_layer_<layer>.pkl")


if __name__ == "__main__":
    unittest.main()
