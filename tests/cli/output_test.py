"""What goes where: --json, --quiet, NO_COLOR, and what only a terminal is shown."""

import json
import os
import pty
import re
import subprocess
import unittest

import support

TINY = ["-m", support.MODEL, "-f", support.PERSUASION, "-c", 32, "--windows", 2, "-t", 1]
LIST = {"configurations": [{"name": name, "role": role, "marking": "static", "null": "", "policy": policy}
                           for name, role, policy in (("own", "baseline", "top_k:k=8"), ("four", "reference", "top_k:k=4"))]}
# Each subcommand that has a result, so called that it finishes at once.
WITHOUT_MODEL = {
    "info": [],
    "fdr": ["p.csv"],
    "calibrate": ["--logits", "dumps", "-o", "new.safetensors", "--null", "all"],
    "merge": ["a.safetensors", "b.safetensors", "-o", "merged.safetensors"],
    "export-kde": ["a.safetensors", "pickles"],
    "import-kde": ["pickles", "-o", "imported.safetensors"],
    "explain": ["a.safetensors", "--layer", 0, "--logits", "token.txt", "--policy", "bh:alpha=0.5,max_k=4"],
    "predict": ["a.safetensors", "--policy", "bh:alpha=0.5,max_k=4"],
}
WITH_MODEL = {
    "evaluate": [*TINY, "--policy", "top_k:k=4", "--summary", "four.json"],
    "compare": ["four.json", "four.json"],
    "check": ["table.safetensors", *TINY],
    "tune": [*TINY[:6], "--windows", 4, "-t", 1, "--budget", 5, "-o", "p.json", "--fit", 2, "--screen", 1, "--second", 1, "--final", 2,
             "--sensitivity", 0, "--rules", "min_p", "--weights", "mass"],
    "run": ["-m", support.MODEL, "-p", "It was", "-n", 2],
    "sweep": [*TINY, "--configurations", "list.json", "-o", "swept"],
    "report": ["swept"],
    "quickstart": ["-m", support.MODEL, "-f", support.NORTHANGER, "-c", 32, "-t", 1, "--effort", "quick", "--windows", 12, "-o", "quick"],
}
WITHOUT_RESULT = {"exec", "completions", "man", "help", "version"}  # another program's output, a script, pages, a line


def calls():
    return {**WITHOUT_MODEL, **(WITH_MODEL if support.HAS_ENGINE else {})}


class OutputTest(support.CliTest):
    def setUp(self):
        super().setUp()
        for folder, seed in (("dumps", 1), ("more", 7)):
            for layer in range(3):
                self.write(f"{folder}/layer_{layer}.npy", support.npy([40, 8], support.planted_logits(40, 8, seed + layer)))
        self.ok("calibrate", "--logits", "dumps", "-o", "a.safetensors")
        self.ok("calibrate", "--logits", "more", "-o", "b.safetensors")
        self.write("token.txt", "1 2 3 4 5 6 7 8")
        self.write("p.csv", "p\n0.01\n0.5\n")
        self.write("list.json", json.dumps(LIST))

    def on_terminal(self, *words, out=subprocess.DEVNULL, env=None):
        """(exit code, what a terminal at stderr, and at stdout for out=None, is shown)"""
        keyboard, terminal = pty.openpty()
        environment = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "TERM")}
        done = subprocess.Popen([support.BINARY, *map(str, words)], stdout=terminal if out is None else out, stderr=terminal, stdin=subprocess.DEVNULL,
                                cwd=self.folder, env={**environment, "TERM": "xterm", **(env or {})})
        os.close(terminal)
        shown = support.shown_on(keyboard)
        return done.wait(), shown.decode()


class Json(OutputTest):
    def test_one_object_each_and_nothing_else_on_stdout(self):
        if support.HAS_ENGINE:
            self.ok("calibrate", *TINY, "-o", "table.safetensors")
        for name, words in calls().items():
            with self.subTest(name):
                found = self.ok(name, *words, "--json").json()
                self.assertIsInstance(found, dict)
                self.assertTrue(found)

    def test_every_subcommand_is_tried(self):
        page = self.ok("man", "--markdown").out
        sections = dict(zip(re.findall(r"^### (\S+)$", page, re.MULTILINE), re.split(r"^### .*$", page, flags=re.MULTILINE)[1:]))
        with_json = {name for name, section in sections.items() if "| `--json` |" in section}
        self.assertEqual(with_json, set(WITHOUT_MODEL) | set(WITH_MODEL))
        self.assertEqual(set(sections) - with_json, WITHOUT_RESULT)

    def test_an_error_leaves_stdout_empty(self):
        self.assertEqual(self.fails(2, "explain", "gone.safetensors", "--layer", 0, "--logits", "token.txt", "--json", says="gone").out, "")

    def test_tables_that_were_written(self):
        found = self.ok("calibrate", "--logits", "dumps", "--top-k", 2, "--null", "all", "-o", "x.safetensors", "--null", "unselected", "-o",
                        "y.safetensors", "--json").json()
        self.assertEqual([(one["path"], one["null"], one["num_layers"], one["num_tokens"]) for one in found["tables"]],
                         [("x.safetensors", "all", 3, 40), ("y.safetensors", "unselected", 3, 40)])
        self.assertEqual(found["tables"][0]["most_values"], 320)
        self.assertEqual(found["tables"][1]["most_values"], 240)
        merged = self.ok("merge", "a.safetensors", "b.safetensors", "-o", "m.safetensors", "--json").json()
        self.assertEqual((merged["num_merged"], merged["table"]["num_tokens"]), (2, 80))

    @unittest.skipUnless(support.HAS_ENGINE, "no engine in this build")
    def test_sweep_and_report(self):
        found = self.ok("sweep", *WITH_MODEL["sweep"], "--json").json()
        self.assertEqual([run["name"] for run in found["runs"]], ["own", "four"])
        self.assertAlmostEqual(found["runs"][1]["mean_experts"], 4.0)
        self.assertTrue(os.path.exists(self.path(found["results"])))
        report = self.ok("report", "swept", "--json").json()
        self.assertTrue(os.path.exists(self.path(report["report"])))
        self.assertGreater(len(report["verdict"]), 0)


class Quiet(OutputTest):
    def test_only_the_result_is_left(self):
        if support.HAS_ENGINE:
            self.ok("calibrate", *TINY, "-o", "table.safetensors")
        for name, words in calls().items():
            if name == "quickstart":  # quickstart_test.py sees to it
                continue
            with self.subTest(name):
                outcome = self.ok(name, *words, "--quiet")
                self.assertNotEqual(outcome.out, "")
                lines = [line for line in outcome.err.splitlines() if not line.startswith("bhroute: warning: ")]
                self.assertEqual(lines, [])

    def test_warnings_stay(self):
        words = ["predict", "a.safetensors", "--policy", "bh:alpha=0.5,max_k=4,temperature=9", "-q"]
        self.assertIn("bhroute: warning: ", self.ok(*words).err)


class Colours(OutputTest):
    RED = "\x1b[1m\x1b[31mbhroute:\x1b[0m "

    def test_an_error_is_red_on_a_terminal(self):
        code, shown = self.on_terminal("fdr", "gone.csv")
        self.assertEqual(code, 2)
        self.assertIn(self.RED, shown)

    def test_no_colour_where_none_is_wanted(self):
        for variables in ({"NO_COLOR": "1"}, {"TERM": "dumb"}, {"TERM": ""}):
            with self.subTest(variables):
                shown = self.on_terminal("fdr", "gone.csv", env=variables)[1]
                self.assertTrue(shown.startswith("bhroute: gone.csv"), shown)
                self.assertNotIn("\x1b", shown)

    def test_an_empty_no_color_is_none(self):
        self.assertIn(self.RED, self.on_terminal("fdr", "gone.csv", env={"NO_COLOR": ""})[1])

    def test_none_in_a_pipe(self):
        self.assertNotIn("\x1b", self.bhroute("fdr", "gone.csv", env={"TERM": "xterm"}).err)

    def test_a_result_on_a_terminal_has_no_escapes(self):
        for words in (["info"], ["fdr", "p.csv"], ["fdr", "p.csv", "--json"]):
            self.assertNotIn("\x1b", self.on_terminal(*words, out=None)[1])


@unittest.skipUnless(support.HAS_ENGINE, "no engine in this build")
class Bars(OutputTest):
    EVALUATE = ["evaluate", "-m", support.MODEL, "-f", support.PERSUASION, "-c", 64, "--windows", 24, "-t", 1, "--batch", 64, "--policy", "top_k:k=4",
                "--no-kl"]
    BAR = re.compile(r"\r\x1b\[K\[[#.]{20}\] evaluate \d+/24 windows")

    def test_on_a_terminal_with_and_without_colours(self):
        for variables in ({}, {"NO_COLOR": "1"}):
            code, shown = self.on_terminal(*self.EVALUATE, env=variables)
            self.assertEqual(code, 0)
            self.assertRegex(shown, self.BAR)
            self.assertTrue(shown.rindex("\x1b[K") > shown.rindex("]"), "the bar is left standing")

    def test_none_elsewhere(self):
        for code, shown in (self.on_terminal(*self.EVALUATE, env={"TERM": "dumb"}), self.on_terminal(*self.EVALUATE, "--quiet")):
            self.assertEqual(code, 0)
            self.assertNotIn("[#", shown)
            self.assertNotIn("\x1b", shown)
        self.assertNotIn("\x1b", self.ok(*self.EVALUATE, env={"TERM": "xterm"}).err)


if __name__ == "__main__":
    unittest.main()
