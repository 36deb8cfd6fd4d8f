"""Help, versions, unknown words, and what holds for every subcommand."""

import fcntl
import json
import os
import pty
import re
import shutil
import struct
import subprocess
import termios
import unittest

import support


class Help(support.CliTest):
    def subcommands(self):
        names = [name for name in re.findall(r"^  ([a-z][a-z-]*) ", self.ok().out, re.MULTILINE) if name != "bhroute"]
        self.assertGreater(len(names), 20)
        return names

    def test_no_arguments_print_the_help(self):
        outcome = self.ok()
        self.assertEqual((outcome.out, outcome.err), (self.ok("--help").out, ""))

    def test_help_at_each_level_has_an_example(self):
        self.assertIn("Example:\n  bhroute quickstart", self.ok("--help").out)
        for name in self.subcommands():
            outcome = self.ok(name, "--help")
            self.assertRegex(outcome.out, r"Example:\n(.*\n)*.*bhroute " + name)

    def test_fits_80_columns_and_fills_a_terminal(self):
        for name in ["", *self.subcommands()]:
            lines = self.ok("help", *name.split()).out.splitlines()
            self.assertLessEqual(max(map(len, lines)), 80, name)
        for columns in (50, 120):
            shown = self.on_terminal(columns, "evaluate", "--help").partition("Example:")[0]
            longest = max(map(len, shown.splitlines()))
            self.assertLessEqual(longest, columns)
            self.assertGreater(longest, columns - 15)

    def test_a_long_usage_is_broken_within_the_terminal(self):
        for columns in range(40, 80):
            for name in ("tune", "evaluate", "explain"):
                usage = self.on_terminal(columns, name, "--help").partition("Usage: ")[2].partition("\r\n\r\n")[0].split("\r\n")
                self.assertLessEqual(max(map(len, ["Usage: " + usage[0], *usage[1:]])), columns, (name, usage))
                self.assertTrue(all(line.startswith("    ") for line in usage[1:]), usage)

    def on_terminal(self, columns, *words):
        keyboard, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        shell = subprocess.Popen([support.BINARY, *words], stdout=terminal, cwd=self.folder)
        os.close(terminal)
        shown = support.shown_on(keyboard)
        self.assertEqual(shell.wait(), 0)
        return shown.decode()

    def test_what_a_command_cannot_run_without_is_marked(self):
        for name in ("evaluate", "tune", "check", "quickstart"):
            out = self.ok(name, "--help").out
            self.assertIn("  -m,--model GGUF REQUIRED", out)
            self.assertIn("  -f,--file TEXT REQUIRED", out)
        self.assertIn("  -p,--prompt PROMPT REQUIRED", self.ok("run", "--help").out)
        self.assertRegex(self.ok("evaluate", "--help").out, "\nUsage: bhroute evaluate -m GGUF -f TEXT --policy POLICY \\[OPTIONS\\]\n")
        for name, other in (("sweep", "--print-configurations"), ("calibrate", "--logits")):
            self.assertEqual(" ".join(self.ok(name, "--help").out.split()).count(f"(REQUIRED unless {other})"), 3 if name == "sweep" else 2)
        self.assertNotIn("--model GGUF REQUIRED", self.ok("predict", "--help").out)

    def test_the_word_help_is_the_flag(self):
        self.assertEqual(self.ok("help").out, self.ok("--help").out)
        for name in self.subcommands():
            self.assertEqual(self.ok("help", name).out, self.ok(name, "--help").out)

    def test_help_on_what_there_is_not(self):
        self.fails(2, "help", "tunr", says="bhroute: help: unknown subcommand, got tunr, did you mean tune?")
        self.fails(2, "help", "zzzzzzzzz", says=["got zzzzzzzzz", "`bhroute --help`"])
        self.fails(2, "help", "tune", "info", says=["unexpected argument", "got info"])

    def test_version_by_any_name(self):
        told = self.ok("--version").out
        self.assertEqual([self.ok("-V").out, self.ok("version").out], [told, told])

    def test_version(self):
        told = self.ok("--version").out
        self.assertRegex(told, r"^bhroute \d+\.\d+\.\d+\n$")
        for name, form in (("CMakeLists.txt", r"project\(bhroute VERSION ([\d.]+)"), ("pyproject.toml", r'\nversion = "([\d.]+)"'),
                           ("CHANGELOG.md", r"\n## \[([\d.]+)\]")):
            with open(os.path.join(support.SOURCE, name), encoding="utf-8") as file:
                self.assertEqual(re.search(form, file.read()).group(1), told.split()[1], name)


class UnknownWords(support.CliTest):
    def test_subcommand(self):
        self.fails(2, "calibrte",
                   says="bhroute: command line: unknown subcommand, got calibrte, did you mean calibrate?")
        self.fails(2, "import_kde", "x", says="did you mean import-kde?")
        self.fails(2, "zzzzzzzzz", says=["unknown subcommand", "bhroute --help"])

    def test_in_front_of_a_subcommand(self):
        self.fails(2, "helb", "tune", says="bhroute: command line: unknown subcommand, got helb, did you mean help?")
        self.fails(2, "-q", "info", says=["bhroute: command line: a flag of info in front of it, got -q", "want bhroute info -q"])
        self.fails(2, "--jsn", "info", says="bhroute: command line: unknown flag, got --jsn")

    def test_flag(self):
        self.fails(2, "evaluate", "--polcy", "bh", says=["bhroute: evaluate: unknown flag", "got --polcy",
                                                         "did you mean --policy?"])
        self.fails(2, "evaluate", "--polcy=bh", says="did you mean --policy?")
        self.fails(2, "evaluate", "--windwos", "1", says="did you mean --windows?")
        self.fails(2, "exec", "--polcy", "top_k:k=2", "--", "llama-bench", "-m", "m", says="exec: unknown flag, got --polcy, did you mean --policy?")
        self.fails(2, "foo", "exec", "--policy", "top_k:k=2", "--", "ls", says="command line: unknown subcommand, got foo")
        self.fails(2, "exec", "--policy", "top_k:k=2", "llama-bench", "-m", "m", says="got -m, want a flag of exec; the program's own stand behind --")
        self.fails(2, "info", "--zzzzzzzzz", says=["unknown flag", "`bhroute info --help`"])
        self.fails(2, "--jsn", says="unknown flag")

    def test_unexpected_argument(self):
        self.fails(2, "info", "surplus", says=["unexpected argument", "got surplus"])

    def test_a_file_named_as_a_subcommand_is_a_file(self):
        self.fails(2, "export-kde", "info", "report", says="info")

    def test_missing_and_malformed_values(self):
        self.fails(2, "evaluate", says="bhroute: evaluate: --model: missing, want -m GGUF")
        self.fails(2, "evaluate", "-m", "m.gguf", "-f", "t.txt", says="bhroute: evaluate: --policy: missing, want --policy POLICY")
        self.fails(2, "explain", says="bhroute: explain: table: missing, want TABLE")
        self.fails(2, "import-kde", "x", says="bhroute: import-kde: --output: missing, want -o TABLE")
        self.fails(2, "import-kde", "x", "-o", says="--output")
        self.fails(2, "import-kde", "x", "-o", "y", "--layers", "many", says=["--layers", "many"])
        self.fails(2, "explain", "t", "--layer", "-1", "--logits", "-", says="--layer: out of range, got -1, want 0 to 10000")

    def test_a_count_is_not_negative(self):
        for flag in ("--windows", "--window", "--batch", "-ub", "--threads", "--log-every"):
            self.fails(2, "evaluate", "-m", "m.gguf", "-f", "t", "--policy", "top_k:k=2", flag, "-3",
                       says="negative, got -3, want 0 or more")


class Info(support.CliTest):
    def test_readable(self):
        out = self.ok("info").out
        for word in ("bhroute", "cpu", "isa", "engine", "./kde_models/models: nothing"):
            self.assertIn(word, out)

    @unittest.skipUnless(support.HAS_ENGINE, "no engine in this build")
    def test_says_where_the_plugin_is(self):
        plugin = self.ok("info", "--json").json()["plugin"]["path"]
        self.assertTrue(os.path.isfile(plugin), plugin)
        self.assertTrue(plugin.endswith("/libggml-bhroute.so"), plugin)
        self.assertIn(f"plugin    {plugin}\n", self.ok("info").out)

    def test_says_that_there_is_no_plugin(self):
        os.mkdir(self.path("bin"))
        alone = shutil.copy(support.BINARY, self.path("bin", "bhroute"))
        done = subprocess.run([alone, "info"], capture_output=True, text=True, check=True)
        self.assertIn(f"plugin    none: not at {self.path('lib', 'libggml-bhroute.so')}\n", done.stdout)
        found = json.loads(subprocess.run([alone, "info", "--json"], capture_output=True, text=True, check=True).stdout)
        self.assertEqual(found["plugin"], {"path": None})

    def test_json(self):
        found = self.ok("info", "--json").json()
        self.assertEqual(found["isa"]["supported"][-1], "scalar")
        self.assertIn(found["isa"]["active"], found["isa"]["supported"])
        self.assertGreaterEqual(found["cpu"]["cores"], 1)
        self.assertEqual(len(found["kde_search_path"]), 2)

    def test_kde_folder_comes_first(self):
        self.write("tables/distribution_model_layer_0.pkl", b"")
        found = self.ok("info", "--json", env={"BHROUTE_KDE_DIR": self.path("tables")}).json()["kde_search_path"]
        self.assertEqual([place["layer_files"] for place in found], [1, 0, 0])

    def test_forced_isa(self):
        found = self.ok("info", "--json", env={"BHROUTE_FORCE_ISA": "scalar"}).json()
        self.assertEqual(found["isa"]["active"], "scalar")
        self.fails(2, "info", env={"BHROUTE_FORCE_ISA": "abacus"}, says=["BHROUTE_FORCE_ISA", "got abacus", "scalar"])


class Streams(support.CliTest):
    def test_a_full_disk_is_an_error(self):
        for words in (["info"], ["--help"], ["--version"], ["-V"], [], ["help", "tune"], ["tune", "--help"], ["man"]):
            with open("/dev/full", "w") as full:
                done = subprocess.run([support.BINARY, *words], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
            self.assertEqual((done.returncode, done.stderr), (1, "bhroute: stdout: cannot write the output\n"), words)

    def test_progress_is_one_rewritten_line_on_a_terminal(self):
        for layer in range(3):
            self.write(f"dumps/layer_{layer}.npy", support.npy([4, 8], support.planted_logits(4, 8, layer)))
        words = ["calibrate", "--logits", "dumps", "-o", "t.safetensors"]
        for quiet in ([], ["--quiet"]):
            keyboard, terminal = pty.openpty()
            done = subprocess.run([support.BINARY, *words, *quiet], stdout=subprocess.DEVNULL, stderr=terminal,
                                  cwd=self.folder, env={**os.environ, "TERM": "xterm"}, check=False)
            os.close(terminal)
            shown = support.shown_on(keyboard)
            self.assertEqual(done.returncode, 0)
            self.assertEqual(b"3 layers" in shown, not quiet, shown)


if __name__ == "__main__":
    unittest.main()
