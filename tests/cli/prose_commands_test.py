"""Commands in the documents' prose: their subcommands and flags are the program's, their scripts and goals of make are there."""

import re
import unittest

import document_blocks as documents
import support

SPAN = re.compile(r"`([^`\n]+(?:\n[^`\n]+)?)`")
PLACEHOLDERS = {"COMMAND"}  # for any subcommand
PATHS = re.compile(r"(?<![\w/.])(?:tools|bench|tests|examples)/[\w./]+\.(?:py|sh)\b")


def spans(page):
    return [span.replace("\\|", "|").replace("\n", " ") for span in SPAN.findall(documents.BLOCK.sub("", documents.text_of(page)))]


def calls(text, program):
    """The words behind `program` of each of its calls, without what other programs of the line get."""
    for call in re.split(r"[|;)]|&&|[<$]\(", text):
        found = re.match(rf"\s*(?:\w+=\S* )*{program}(?: (.*))?$", call)
        if found:
            yield (found.group(1) or "").split(" -- ")[0].split()


class Prose(support.CliTest):
    @classmethod
    def setUpClass(cls):
        maker = cls.maker_of_shared_files()
        names = re.findall(r"^### (\S+)$", documents.text_of("docs/commands.md"), re.MULTILINE)
        cls.helps = {name: maker.ok(name, "--help").out for name in names}
        cls.helps[""] = maker.ok("--help").out

    def assert_flags(self, name, words, where):
        for flag in (word.split("=")[0] for word in words if re.match(r"--?[a-zA-Z]", word)):
            self.assertRegex(self.helps[name], rf"(?m)(?<![\w-]){re.escape(flag)}(?![\w-])", f"{where}: no such flag")

    def assert_known(self, text, where):
        for words in calls(text, "bhroute"):
            name = words[0] if words and not words[0].startswith("-") else ""
            if name not in PLACEHOLDERS:
                self.assertIn(name, list(self.helps), f"{where}: no such subcommand")
                self.assert_flags(name, words, where)
        goals = re.findall(r"^([\w-]+):", documents.text_of("Makefile"), re.MULTILINE)
        for words in calls(text, "make"):
            for word in (word for word in words[:1] if "=" not in word):
                self.assertIn(word, goals, f"{where}: no such goal of make")
        for path in PATHS.findall(text):
            self.assertTrue((documents.ROOT / path).exists(), f"{where}: no such file")

    def test_spans(self):
        checked = 0
        for page in documents.pages():
            for span in spans(page):
                self.assert_known(span, f"{page}: {span}")
                checked += span.startswith("bhroute ")
        self.assertGreater(checked, 30)

    def test_blocks(self):
        """Those too that are not run."""
        for page in documents.pages():
            for block in documents.blocks(page, "sh"):
                for command in documents.commands(block):
                    command = re.sub(r"\s+#.*", "", command.replace("\0", " "))
                    self.assert_known(command, f"{page}: {command}")

    def test_what_is_wrong_is_told(self):
        for wrong in ("bhroute tone -m x", "bhroute tune --budgets 4", "A=1 bhroute info --jsn", "seq 3 | bhroute fdr - --alfa 1", "make deno",
                      "tools/gone.sh release"):
            with self.assertRaises(AssertionError, msg=wrong):
                self.assert_known(wrong, "here")
        self.assert_known("bhroute exec --policy top_k:k=4 -- llama-cli --single-turn", "what another program gets is not looked at")


if __name__ == "__main__":
    unittest.main()
