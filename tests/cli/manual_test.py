"""The manual: help, man page and docs/commands.md, all made from the flags that are declared."""

import os
import re
import shutil
import subprocess
import unittest

import support


def subcommands(page):
    return re.findall(r"^### (\S+)$", page, re.MULTILINE)


class Markdown(support.CliTest):
    def setUp(self):
        super().setUp()
        self.page = self.ok("man", "--markdown").out

    def test_docs_commands_is_what_the_program_prints(self):
        with open(os.path.join(support.SOURCE, "docs", "commands.md"), encoding="utf-8") as file:
            self.assertEqual(file.read(), self.page, "stale: bhroute man --markdown > docs/commands.md")

    def test_every_subcommand_of_the_help_is_there(self):
        named = re.findall(r"^  ([a-z][a-z-]*) ", self.ok("--help").out, re.MULTILINE)
        self.assertGreater(len(named), 15)
        self.assertEqual([name for name in named if name != "bhroute"], subcommands(self.page))

    def test_every_flag_of_each_help_is_there(self):
        sections = dict(zip(subcommands(self.page), re.split(r"^### .*$", self.page, flags=re.MULTILINE)[1:]))
        for name, section in sections.items():
            flags = re.findall(r"^  (?:-\w,)?(--[\w-]+)", self.ok(name, "--help").out, re.MULTILINE)
            self.assertIn("--quiet", flags)
            for flag in flags:
                self.assertRegex(section, rf"\| `[^|]*{flag}\b", name)

    def test_usage_has_what_is_required(self):
        self.assertIn("\nbhroute merge -o TABLE [OPTIONS] TABLE...\n", self.page)
        self.assertIn("\nbhroute exec --policy POLICY [OPTIONS] -- PROGRAM...\n", self.page)

    def test_a_table_of_markdown_is_not_broken_by_a_value(self):
        for row in re.findall(r"^\| .*$", self.page, re.MULTILINE):
            self.assertEqual(len(re.findall(r"(?<!\\)\|", row)), 3, row)


class ManPage(support.CliTest):
    def test_roff_is_without_fault(self):
        if shutil.which("groff") is None:
            self.skipTest("groff is not installed")
        page = self.ok("man").out
        done = subprocess.run(["groff", "-man", "-ww", "-Tutf8", "-rLL=200n"], input=page, capture_output=True, text=True, check=True)
        narrow = subprocess.run(["groff", "-man", "-ww", "-z"], input=page, capture_output=True, text=True, check=True)
        self.assertEqual(done.stderr + narrow.stderr, "")
        shown = re.sub(r"\x1b\[\d*m|.\x08", "", done.stdout)
        for words in ("NAME", "SYNOPSIS", "EXIT STATUS", "BHROUTE_FORCE_ISA", "-m, --model GGUF", "bhroute merge -o TABLE [OPTIONS] TABLE...",
                      "  bhroute calibrate -m MODEL.gguf -f text.txt --windows 64 -o all.safetensors"):
            self.assertIn(words, shown)


class Groups(support.CliTest):
    def test_the_help_lists_subcommands_by_what_they_are_for(self):
        out = self.ok().out
        places = [out.index(f"\n{group}:\n") for group in ("Start here", "Tables", "Policies", "Measurements", "Use", "Also")]
        self.assertEqual(places, sorted(places))


if __name__ == "__main__":
    unittest.main()
