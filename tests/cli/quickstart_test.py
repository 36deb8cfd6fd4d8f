"""quickstart with the embedded model, on very little text: every part, the command to serve with, and continuing."""

import ctypes
import filecmp
import json
import os
import re
import shlex
import shutil
import subprocess
import time
import unittest

import support

# The embedded model in windows of 32 tokens: a fortieth of what a person would run.
FLAGS = ["quickstart", "-m", support.MODEL, "-f", support.NORTHANGER, "-c", 32, "-t", 1, "--effort", "quick", "--windows", 12, "--budget", 5, "-o", "out"]
MADE = ["learning.txt", "evaluation.txt", "table.safetensors", "policy.json", "policy.ranking.json", "configurations.json", "evaluation/results.json",
        "report.html", "steps.txt", "finished.json"]


def without_roots_rights():
    """For a child: what its modes forbid is forbidden to root too (PR_CAPBSET_DROP of CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH)."""
    for capability in (1, 2):
        ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)


@unittest.skipUnless(support.HAS_ENGINE, "no engine in this build")
class Quickstart(support.CliTest):
    def read(self, name):
        with open(self.path("out", name), encoding="utf-8") as file:
            return json.load(file)

    def test_all_parts_then_again(self):
        first = self.ok(*FLAGS)
        for name in MADE:
            self.assertTrue(os.path.exists(self.path("out", name)), name)
        self.assertRegex(first.err, r"this takes about \d+ (s|min)")
        steps = re.findall(r"^step (\d) of 5: (bhroute \w+|what bh would select)", first.err, re.MULTILINE)
        self.assertEqual(steps, [("1", "bhroute calibrate"), ("2", "what bh would select"), ("3", "bhroute tune"), ("4", "bhroute sweep"),
                                 ("5", "bhroute report")])
        names = [run["name"] for run in self.read("evaluation/results.json")["runs"]]
        for name in ("the model's own", "tuned"):
            self.assertIn(name, names)
        self.assertGreater(sum(name.startswith("fixed ") for name in names), 1)
        self.assertTrue(any(name.startswith("bh:alpha=") for name in names))
        self.check_page(first.out)
        self.check_verdict(re.search(r"^worth it\? (.*\n? .*)$", first.out, re.MULTILINE).group(1))
        self.check_serve(re.search(r"^serve it +(.*)$", first.out, re.MULTILINE).group(1))
        self.check_parts()
        self.check_again(re.search(r"^quality .*$", first.out, re.MULTILINE).group(0))
        self.check_continues(len(names))
        self.check_json()
        self.check_another_text()

    def check_again(self, quality):
        """Nothing is run that is finished; neither the number of threads nor the model's place makes it another run."""
        made = {name: self.content(name) for name in MADE if name not in ("steps.txt", "report.html")}
        os.symlink(support.MODEL, self.path("same.gguf"))
        for words in (FLAGS, ["same.gguf" if word == support.MODEL else 2 if word == 1 else word for word in FLAGS]):
            began = time.monotonic()
            again = self.ok(*words)
            print(f"a finished quickstart again: {time.monotonic() - began:.1f} s")
            for number, file in ((1, "table.safetensors"), (3, "policy.json"), (4, "evaluation/results.json")):
                self.assertIn(f"step {number} of 5: out/{file} is there already\n", again.err)
            self.assertIn("an earlier run finished all of it", again.err)
            self.assertRegex(again.out, r"(?m)^time +\d+ s; an earlier run had finished all of it$")
            self.assertIn("step 1 of 5: bhroute calibrate", self.steps(), "what the first run said stays")
            self.assertEqual(re.search(r"^quality .*$", again.out, re.MULTILINE).group(0), quality)
        self.assertEqual({name: self.content(name) for name in made}, made)

    def check_continues(self, num_runs):
        """What is not finished is: a policy that was changed is tuned again, from the runs that are there."""
        with open(self.path("out/policy.json"), "a", encoding="utf-8") as policy:
            policy.write("\n")
        told = self.ok(*FLAGS)
        self.assertIn("step 3 of 5: bhroute tune", told.err)
        self.assertIn("this takes about", told.err)
        self.assertRegex(self.steps(), r"\n\d+ windows run, [1-9]\d* reused")
        self.write("out/finished.json", '{"steps": {}}')
        self.ok(*FLAGS)
        self.assertRegex(self.steps(), rf"{num_runs} of them reused")
        other_budget = self.ok(*[4 if word == 5 else word for word in FLAGS]).err
        self.assertIn("out: was made from another budget; what depends on it is made anew\n", other_budget)
        self.assertIn("step 3 of 5: bhroute tune", other_budget)
        self.ok(*FLAGS)

    def content(self, name):
        with open(self.path("out", name), "rb") as file:
            return file.read()

    def steps(self):
        with open(self.path("out/steps.txt"), encoding="utf-8") as file:
            return file.read()

    def check_page(self, page):
        """The last page is short, and fits 80 columns but for the command to copy; what the steps said lies in a file."""
        lines = page.splitlines()
        self.assertLessEqual(len(lines), 12, page)
        self.assertIn("llama-server is not in PATH", lines[-1])
        for line in lines:
            self.assertTrue(len(line) <= 80 or line.startswith("serve it"), line)
        labels = [line.split()[0] for line in lines if line and line[0] != " "]
        self.assertEqual(labels, ["policy", "experts", "quality", "worth", "speed", "report", "time", "serve"])
        for part in ("step 1 of 5", "rank policy", "configuration ", "wrote out/report.html"):
            self.assertIn(part, self.steps())
            self.assertNotIn(part, page)

    def check_verdict(self, told):
        if self.read("policy.json")["rule"] == "top_k":
            self.assertEqual(told, "it is a fixed number of experts: no adaptive policy was better")
            return
        verdict, low, high = re.search(r"^(.*): against a fixed number at the same mean\n +[-+.\d]+ nats a token \[([-+.\d]+), ([-+.\d]+)\]$",
                                       told).groups()
        self.assertEqual(verdict, "the fixed number is better" if float(low) > 0 else "the policy is better" if float(high) < 0 else
                         "they cannot be told apart")

    def check_serve(self, line):
        """The printed command, with another program of llama.cpp's kind in place of the server: a script that says what it was given."""
        words = shlex.split(line)
        self.assertEqual(words[:5], ["bhroute", "exec", "--policy", "out/policy.json", "--"])
        self.assertEqual(words[5:], ["llama-server", "-m", support.MODEL])
        self.assertIsNone(shutil.which("llama-server"))
        self.write("bin/llama-server", '#!/bin/sh\necho "$BHROUTE_POLICY" "$@"\n')
        os.chmod(self.path("bin/llama-server"), 0o755)
        done = self.ok(*words[1:], env=support.HOST_VARIABLES | {"PATH": self.path("bin") + ":" + os.environ["PATH"]})
        self.assertEqual(done.out.split(), [self.path("out/policy.json"), "-m", support.MODEL])

    def check_parts(self):
        """They do not overlap and are the beginning of the text."""
        with open(support.NORTHANGER, encoding="utf-8") as text, open(self.path("out/learning.txt"), encoding="utf-8") as one, \
                open(self.path("out/evaluation.txt"), encoding="utf-8") as two:
            self.assertTrue(text.read().startswith(one.read() + two.read()))
        results = self.read("evaluation/results.json")
        self.assertTrue(results["text"]["path"].endswith("out/evaluation.txt"))
        self.assertNotEqual(results["text"]["sha256"], self.read("policy.ranking.json")["text_sha256"])

    def check_another_text(self):
        """It is learnt anew, though the folder is the same; and --quiet leaves the results alone."""
        others = [support.PERSUASION if word == support.NORTHANGER else word for word in FLAGS]
        outcome = self.ok(*others, "--quiet")
        self.assertIn("bhroute: warning: out: was made from another text; what depends on it is made anew\n", outcome.err)
        self.assertEqual([line for line in outcome.err.splitlines() if not line.startswith("bhroute: warning: ")], [])
        self.assertRegex(self.steps(), r"\n\d+ windows run, 0 reused")
        self.assertEqual(self.steps().count("step 1 of 5"), 1, "nothing of the other text's steps")

    def check_json(self):
        found = self.ok(*FLAGS, "--json").json()
        self.assertTrue(found["serve"].startswith("bhroute exec --policy out/policy.json -- llama-server -m "))
        self.assertAlmostEqual(found["mean_experts"], 5.0, delta=1.5)
        self.assertGreater(found["seconds"], 0)
        self.assertEqual(found["budget"], 5.0)
        run, = (run for run in self.read("evaluation/results.json")["runs"] if run["name"] == "tuned")
        self.assertEqual(found["static_difference_low"], run["static_difference_low"])

    def test_dry_run_writes_nothing_and_its_commands_work(self):
        outcome = self.ok(*FLAGS, "--dry-run")
        self.assertFalse(os.path.exists(self.path("out")))
        self.assertIn("this takes about", outcome.err)
        lines = [shlex.split(line) for line in outcome.out.splitlines()]
        self.assertEqual([words[:2] for words in lines], [["bhroute", name] for name in ("calibrate", "tune", "sweep", "report")])
        planned = self.ok(*FLAGS, "--dry-run", "--json").json()
        self.assertGreater(planned["estimated_seconds"], planned["seconds_per_window"])
        self.assertEqual(planned["commands"], outcome.out.splitlines())

    def test_what_the_steps_said_stays_where_one_fails(self):
        self.write("out/finished.json", '{"steps": {}}')
        self.write("out/steps.txt", "of an older run\n")
        self.write("out/evaluation", "in the way of the sweep's folder")
        self.fails(2, *FLAGS, says=["--output", "cannot make the folder"])
        for part in ("step 1 of 5: bhroute calibrate", "rank policy", "step 4 of 5: bhroute sweep"):
            self.assertIn(part, self.steps())
        self.assertNotIn("older", self.steps())
        os.remove(self.path("out/evaluation"))
        failed = self.steps()
        self.ok(*FLAGS)
        self.assertTrue(self.steps().startswith(failed + "\nstep 1 of 5: out/table.safetensors is there already\n"))

    def test_threads_on_a_busy_machine(self):
        """Other programs hold two cores: without -t the faster number of threads is taken, said, and handed to the steps; -t is obeyed."""
        cores = sorted(os.sched_getaffinity(0))[:2]
        if len(cores) < 2:
            self.skipTest("one core")
        self.addCleanup(os.sched_setaffinity, 0, os.sched_getaffinity(0))
        os.sched_setaffinity(0, cores)
        for _ in cores:
            busy = subprocess.Popen(["sh", "-c", "while :; do :; done"])
            self.addCleanup(busy.wait)
            self.addCleanup(busy.kill)
        words = ["quickstart", "-m", support.MODEL, "-f", support.NORTHANGER, "-c", 128, "-b", 256, "--effort", "quick", "--dry-run"]
        for _ in range(3):  # a short probe that a third program disturbs may see no difference
            found = self.ok(*words)
            told = re.search(r"^other programs are at work: a window takes ([\d.]+) s with every core and ([\d.]+) s with -t 1, which is taken; -t N insists$",
                             found.err, re.MULTILINE)
            if told:
                break
        self.assertTrue(told, found.err)
        self.assertGreater(float(told.group(1)), float(told.group(2)))
        self.assertIn(f"at {told.group(2)} s a window", found.err)
        for line in found.out.splitlines()[:3]:
            self.assertIn(" -t 1 ", line)
        asked = self.ok(*words, "-t", 2)
        self.assertNotIn("other programs", asked.err)
        self.assertIn(" -t 2 ", asked.out)
        asked = self.ok(*words, "-t", 0)
        self.assertNotIn("other programs", asked.err)
        self.assertIn(" -t 2 ", asked.out, "0 is every core")

    def test_usual_budget_is_three_quarters_of_the_models_own(self):
        words = [word for word in FLAGS if word not in ("--budget", 5)]
        self.assertEqual(self.ok(*words, "--dry-run", "--json").json()["budget"], 6.0)

    def test_no_more_windows_are_planned_than_there_are(self):
        for effort in ("quick", "usual", "thorough"):
            words = [effort if word == "quick" else word for word in FLAGS]
            planned = self.ok(*words, "--dry-run", "--json").json()
            self.assertLessEqual(planned["learning_windows"] + planned["evaluation_windows"], 12, effort)

    def test_each_part_has_its_windows(self):
        """Tokens are not spread evenly over bytes: the parts of this text, cut by bytes, lack a window."""
        with open(support.NORTHANGER, "rb") as text:
            text.seek(20000)
            self.write("uneven.txt", text.read(1700))
        words = ["uneven.txt" if word == support.NORTHANGER else word for word in FLAGS if word not in ("--windows", 12)]
        self.assertNotIn("windows asked for", self.ok(*words).err)

    def test_errors(self):
        self.fails(2, "quickstart", says=["--model", "missing"])
        self.fails(2, "quickstart", "-m", support.MODEL, "-f", "gone.txt", says="bhroute: gone.txt: no such text, want a file (-f TEXT)")
        self.fails(2, "quickstart", "-m", "gone.gguf", "-f", support.NORTHANGER, "--dry-run", says="bhroute: gone.gguf: no such model file")
        self.fails(2, "quickstart", "-m", "gone.gguf", "-f", "gone.txt", "--dry-run", says="bhroute: quickstart: no such files, got gone.gguf and gone.txt, want ")
        for few in (1, 11):
            self.fails(2, *[few if word == 12 else word for word in FLAGS], says=f"bhroute: --windows: too few, got {few}, want 12 or more")
        self.fails(2, *[4000000000 if word == 32 else word for word in FLAGS], says=["bhroute: --window: ", "got 4000000000, want at most "])
        self.fails(2, *["lots" if word == "quick" else word for word in FLAGS], says=["--effort", "got lots", "quick, usual or thorough"])
        for budget in (64, 0.5, 0, "nan"):
            told = self.fails(2, *[budget if word == 5 else word for word in FLAGS], says=["--budget", f"got {budget}", "1 to less than 64"])
            self.assertEqual(len(told.err.splitlines()), 1, "refused before anything is run")
            self.assertFalse(os.path.exists(self.path("out")))
        self.write("short.txt", "It was a fine day. " * 30)
        self.fails(2, "quickstart", "-m", support.MODEL, "-f", "short.txt", "-c", 32, says=["the text is too short", "12 or more"])
        self.assertFalse(os.path.exists(self.path("bhroute-quickstart")), "no folder for nothing")

    def test_what_is_read_and_what_others_made_is_spared(self):
        shutil.copy(support.NORTHANGER, self.path("learning.txt"))
        words = ["learning.txt" if word == support.NORTHANGER else word for word in FLAGS[:-1]]
        self.fails(2, *words, ".", says="bhroute: --output: would replace what quickstart reads, got ./learning.txt, want another folder")
        self.fails(2, *FLAGS[:-1], ".", says=["--output: holds a file that quickstart did not make", "got ./learning.txt"])
        self.assertTrue(filecmp.cmp(support.NORTHANGER, self.path("learning.txt"), shallow=False))

    def test_an_output_that_cannot_be_written_is_refused_before_any_work(self):
        self.write("taken", "a file")
        folders = {"taken": ["is not a folder", "got taken"], "taken/below/it": ["is not a folder", "got taken"], "": ["missing"]}
        for folder, says in folders.items():
            for more in ([], ["--dry-run"]):
                told = self.fails(2, *FLAGS[:-1], folder, *more, says=["--output", *says])
                self.assertEqual((told.out, len(told.err.splitlines())), ("", 1))
        # Root finds nothing wrong with /proc until the folder is made.
        self.fails(2, *FLAGS[:-1], "/proc/bhroute/out", says=["--output", "cannot ", "got /proc"])

    def test_an_output_without_permission_is_refused(self):
        os.mkdir(self.path("locked"), 0o500)
        for folder in ("locked", "locked/out"):
            told = self.refused_without_rights(folder)
            self.assertRegex(told, "^bhroute: --output: the folder cannot be written to .*, got locked, want ")

    def test_a_current_folder_that_cannot_be_searched_is_refused(self):
        self.addCleanup(os.chmod, self.folder, 0o700)
        for folder in ("out", "out/below", "./out"):
            told = self.refused_without_rights(folder, lambda: os.chmod(".", 0))
            self.assertRegex(told, r"^bhroute: --output: cannot be looked up \(Permission denied\), got \., want ")

    def refused_without_rights(self, folder, before=lambda: None):
        def prepare():
            before()
            without_roots_rights()
        words = [support.BINARY, *(str(word) for word in FLAGS[:-1]), folder, "--dry-run"]
        done = subprocess.run(words, capture_output=True, text=True, cwd=self.folder, timeout=20, check=False, preexec_fn=prepare)
        self.assertEqual((done.returncode, len(done.stderr.splitlines())), (2, 1), done.stderr)
        return done.stderr


if __name__ == "__main__":
    unittest.main()
