"""What each shell offers; the shells are asked, not the scripts read."""

import os
import pty
import re
import select
import shutil
import subprocess
import time
import unittest

import support


class Completions(support.CliTest):
    def script(self, shell):
        return self.write(f"bhroute.{shell}", self.ok("completions", shell).out)

    def needs(self, shell):
        if shutil.which(shell) is None:
            self.skipTest(f"{shell} is not installed")
        return self.script(shell)


class Shells(Completions):
    def test_unknown_shell(self):
        self.fails(2, "completions", "tcsh", says=["unknown shell", "got tcsh", "bash, zsh or fish"])


class Bash(Completions):
    def offered(self, *words):
        """The last word is the one being typed."""
        script = ('source "$1"; shift; COMP_WORDS=(bhroute "$@"); COMP_CWORD=$#; _bhroute; '
                  'printf "%s\\n" "${COMPREPLY[@]}"')
        done = subprocess.run(["bash", "--norc", "-c", script, "-", self.needs("bash"), *words], capture_output=True, text=True, check=False)
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    def test_subcommands(self):
        self.assertEqual(self.offered("cal"), ["calibrate"])
        self.assertEqual(sorted(self.offered("ex")), ["exec", "explain", "export-kde"])
        self.assertEqual(self.offered("--ver"), ["--version"])

    def test_flags_are_those_of_the_subcommand(self):
        self.assertEqual(self.offered("calibrate", "--sm"), ["--smoothing-kernel"])
        self.assertEqual(self.offered("evaluate", "--sm"), [])
        self.assertEqual(self.offered("fdr", "x.csv", "--al"), ["--alpha"])

    def test_values(self):
        self.assertEqual(self.offered("calibrate", "--null", ""), ["all", "unselected"])
        self.assertEqual(self.offered("calibrate", "--statistic", "=", "st"), ["standardized"])
        self.assertEqual(self.offered("calibrate", "--statistic", "="), ["logit", "log_prob", "standardized"])
        self.assertEqual(self.offered("completions", "z"), ["zsh"])
        self.assertEqual(self.offered("help", "tu"), ["tune"])

    def test_files_are_left_to_the_shell(self):
        self.assertEqual(self.offered("evaluate", "-m", "mod"), [])

    def test_behind_two_dashes_are_another_programs_words(self):
        self.assertEqual(self.offered("exec", "--pol"), ["--policy"])
        self.assertEqual(self.offered("exec", "--", "llama-server", "--pol"), [])


class Fish(Completions):
    def offered(self, line):
        done = subprocess.run(["fish", "--no-config", "-c", 'source $argv[1]; complete -C $argv[2]', self.needs("fish"), line],
                              capture_output=True, text=True, check=False, env={**os.environ, "HOME": self.folder})
        self.assertEqual(done.stderr, "")
        return [entry.split("\t")[0] for entry in done.stdout.splitlines()]

    def test_subcommands(self):
        self.assertEqual(self.offered("bhroute cal"), ["calibrate"])

    def test_flags_and_values(self):
        self.assertEqual(self.offered("bhroute calibrate --sm"), ["--smoothing-kernel"])
        self.assertEqual(self.offered("bhroute evaluate --sm"), [])
        self.assertEqual(self.offered("bhroute calibrate --null "), ["all", "unselected"])
        self.assertEqual(self.offered("bhroute completions "), ["bash", "fish", "zsh"])

    def test_help_texts_with_quotes_survive(self):
        out = subprocess.run(["fish", "--no-config", "-c", 'source $argv[1]; complete -C "bhroute calibrate --top"', self.needs("fish")],
                             capture_output=True, text=True, check=True, env={**os.environ, "HOME": self.folder}).stdout
        self.assertIn("--top-k\tThe model's own top_k", out)

    def test_files(self):
        self.write("model.gguf", "")
        done = subprocess.run(["fish", "--no-config", "-c", 'source $argv[1]; complete -C "bhroute evaluate -m mo"', self.needs("fish")],
                              capture_output=True, text=True, check=True, cwd=self.folder, env={**os.environ, "HOME": self.folder})
        self.assertIn("model.gguf", done.stdout)


class Zsh(Completions):
    """zsh completes at a keyboard only: one is played to it."""

    def completed(self, line, want):
        script = self.needs("zsh")
        keyboard, terminal = pty.openpty()
        shell = subprocess.Popen(["zsh", "-f", "-i"], stdin=terminal, stdout=terminal, stderr=terminal, cwd=self.folder, start_new_session=True,
                                 env={"PATH": os.environ["PATH"], "HOME": self.folder, "TERM": "dumb", "PS1": "", "LC_ALL": "C.UTF-8"})
        os.close(terminal)
        self.addCleanup(shell.wait)
        self.addCleanup(shell.kill)
        self.addCleanup(os.close, keyboard)
        os.write(keyboard, f"autoload -U compinit; compinit -D -u; source {script}; print RE''ADY\n".encode())
        self.read_until(keyboard, "READY")
        os.write(keyboard, line.encode() + b"\t")
        return self.read_until(keyboard, want)

    def read_until(self, keyboard, want):
        shown, end = "", time.monotonic() + 20
        while want not in shown and time.monotonic() < end:
            if select.select([keyboard], [], [], 0.2)[0]:
                shown += re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|[\x07\x08\r]", "", os.read(keyboard, 65536).decode(errors="replace"))
        self.assertIn(want, shown)
        return shown

    def test_subcommands(self):
        self.completed("bhroute calib", "bhroute calibrate ")

    def test_flags(self):
        self.completed("bhroute calibrate --smo", "--smoothing-kernel")

    def test_values(self):
        self.completed("bhroute calibrate --statistic st", "standardized")
        self.completed("bhroute completions fi", "fish")

    def test_files(self):
        self.write("some_model.gguf", "")
        self.completed("bhroute evaluate -m some_", "some_model.gguf")


class WordsAreAccepted(Completions):
    """No shell offers a word that the program then refuses."""

    def offered(self, *words):
        return Bash.offered(self, *words)

    def each(self, subcommand, flag, *arguments, **options):
        words = self.offered(subcommand, flag, "")
        self.assertGreater(len(words), 1)
        for word in words:
            yield word, self.bhroute(subcommand, flag, word, *arguments, **options)

    def test_calibrate(self):
        self.write("dumps/layer_0.npy", support.npy([40, 8], support.planted_logits(40, 8, 1)))
        for flag in ("--null", "--statistic", "--form", "--resolution", "--smoothing-kernel"):
            for word, outcome in self.each("calibrate", flag, "--logits", "dumps", "--top-k", "2", "-o", "t.safetensors"):
                self.assertEqual(outcome.code, 0, f"{flag} {word}: {outcome.err}")

    def test_fdr(self):
        for word, outcome in self.each("fdr", "--method", "-", stdin="0.01\n0.5\n"):
            self.assertEqual(outcome.code, 0, f"{word}: {outcome.err}")

    def test_help(self):
        offered = self.offered("help", "")
        self.assertGreater(len(offered), 15)
        for name in offered:
            self.ok("help", name)

    def test_completions(self):
        for shell in self.offered("completions", ""):
            self.ok("completions", shell)

    def test_words_of_commands_that_run_a_model(self):
        """Accepted: the next thing found wrong is the text or the model, which are not there."""
        for subcommand, flags in (("evaluate", ["--score"]), ("quickstart", ["--effort"]), ("tune", ["--rules", "--weights", "--score"])):
            more = {"evaluate": ["--policy", "top_k:k=2"], "quickstart": []}.get(subcommand, ["--budget", "2", "-o", "p.json"])
            for flag in flags:
                for word, outcome in self.each(subcommand, flag, "-m", "m.gguf", "-f", "gone.txt", *more):
                    self.assertRegex(outcome.err, "gone.txt|no such model file", f"{flag} {word}")
        self.assertIn("nonsense", self.bhroute("tune", "--rules", "nonsense", "-m", "m", "-f", "gone.txt", "--budget", "2", "-o", "p.json").err)

    @unittest.skipUnless(support.HAS_ENGINE, "no engine in this build")
    def test_engine(self):
        for word, outcome in self.each("run", "--engine", "-m", support.MODEL, "-p", "It", "-n", "1", "--policy", "top_k:k=2"):
            self.assertEqual(outcome.code, 0, f"{word}: {outcome.err}")


if __name__ == "__main__":
    unittest.main()
