"""Every command of the documents is run: on the embedded model, with small windows, in one folder a page; or is named, with a reason."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import unittest

import document_blocks as documents
import support

LLAMA = os.environ.get("BHROUTE_LLAMA_BIN", "")
ELASTIC = os.path.join(support.SOURCE, "models", "olmoe-nano-elastic", "olmoe-nano-elastic-q8_0.gguf")
SHOWN = "bh alpha=0.2 max_k=16 unselected"
# In front of the program: the same command, on less text. A person's sizes would take minutes.
SMALL = """#!/usr/bin/env python3
import os, sys
words = sys.argv[1:]
behind = words.index("--") if "--" in words else len(words)
name = words[0] if words else ""
def put(flag, value):
    if flag in words[:behind]:
        words[words.index(flag) + 1] = value
    else:
        words[behind:behind] = [flag, value]
if "--dry-run" in words or "-m" not in words[:behind]:
    pass
elif name == "quickstart":
    put("-c", "32"); put("--windows", "12"); put("--effort", "quick"); put("-t", "1")
    if os.path.exists("bhroute-quickstart"):  # the page's second one plans only
        words.append("--dry-run")
elif name in ("evaluate", "check", "calibrate", "sweep", "tune", "predict"):
    put("-c", "32"); put("--windows", "12" if name == "tune" else "4"); put("-t", "1")
    if name == "tune":
        for flag in ("--fit", "--sensitivity", "--screen", "--second", "--final"):
            put(flag, {"--fit": "4", "--sensitivity": "0"}.get(flag, "2"))
        if "--rules" not in words:
            put("--rules", "top_p")
    if name == "sweep" and "--configurations" not in words:
        put("--configurations", os.environ["SHORT_LIST"])
os.environ.update(HOST_VARIABLES)
os.execv(os.environ["BHROUTE_BINARY"], ["bhroute", *words])
"""
# In front of a server that a page starts in the foreground: it is asked once, then sent the keyboard's signal. Debian's
# curl waits for ever in setlocale with AddressSanitizer's runtime before it, which a sanitized plugin brings: not before curl.
ASKED_ONCE = """#!/bin/sh
LLAMA_SERVER "$@" --port PORT & server=$!
unset LD_PRELOAD
until curl -sf http://127.0.0.1:PORT/health > /dev/null; do kill -0 $server || exit 1; sleep 0.2; done
curl -sf http://127.0.0.1:PORT/completion -d '{"prompt": "It was", "n_predict": 2}' | grep -q '"content":' || exit 1
kill -INT $server
wait $server
"""


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class Marks(unittest.TestCase):
    def test_every_block_names_its_language(self):
        for page in documents.pages():
            for language, block in documents.BLOCK.findall(documents.text_of(page)):
                self.assertIn(language, documents.LANGUAGES, f"{page}:\n{block}")

    def test_no_command_hides_in_a_text(self):
        for page in documents.pages():
            for line in "".join(documents.blocks(page, "text")).splitlines():
                self.assertFalse(re.match(r" *(bhroute|make|python3?|tools/\S+|pip|cmake) (?!.*\[OPTIONS\])", line), f"{page}: {line}")

    def test_every_shell_block_is_run_or_excluded(self):
        for page in documents.pages():
            told = page in Pages.RUN or not list(documents.scripts(page))
            self.assertTrue(told, f"{page}: shell commands that are neither run nor excluded: {list(documents.scripts(page))}")
        for page in Pages.RUN:
            self.assertTrue(list(documents.scripts(page)), f"{page}: has no commands")

    def test_what_is_excluded_is_there(self):
        used = {documents.excluded_by(page, command) for page in documents.pages()
                for block in documents.blocks(page, "sh") for command in documents.commands(block)}
        self.assertEqual(set(documents.NOT_RUN) - used, set(), "excluded, and in no document")

    def test_python_blocks_have_a_test_that_names_the_page(self):
        with_python = {page for page in documents.pages() if documents.blocks(page, "python")}
        self.assertEqual(with_python, set(documents.PYTHON))
        for page, test in documents.PYTHON.items():
            self.assertIn(page.removeprefix("docs/"), documents.text_of(test), f"{test} does not name {page}")


@unittest.skipUnless(support.HAS_ENGINE, "no engine in this build")
class Pages(support.CliTest):
    RUN = {"README.md", "HACKING.md", "docs/commands.md", "docs/hosts.md", "docs/tutorial.md"}

    def setUp(self):
        super().setUp()
        for program in ("curl", "man"):
            if shutil.which(program) is None:
                self.skipTest(f"{program} is not installed")
        self.program("bhroute", SMALL.replace("HOST_VARIABLES", repr(support.HOST_VARIABLES)))
        # A build tree's plugin, where an installed one would be.
        self.build = os.path.dirname(os.path.dirname(support.BINARY))
        os.symlink(os.path.join(self.build, "lib"), self.path("lib"))

        self.write("short.json", json.dumps(self.short_list()))

    def short_list(self):
        """Of the sweep's own list those that the documents' commands read again, and what they are compared with."""
        every = self.ok("sweep", "--print-configurations").json()
        kept = [each for each in every["configurations"] if each["role"] == "baseline" or each["name"] in ("static top-6", SHOWN)]
        self.assertEqual(len(kept), 3)
        return {**every, "configurations": kept}

    def program(self, name, text):
        self.write(f"bin/{name}", text)
        os.chmod(self.path("bin", name), 0o755)

    def links(self, **targets):
        for name, target in targets.items():
            os.symlink(target, self.path(name.replace("_", ".")))

    def run_block(self, block):
        script = "set -eu -o pipefail\n" + block.replace("8080", str(free_port()))
        host = "".join(f"{name}={value} " for name, value in support.HOST_VARIABLES.items())
        script = script.replace("GGML_BACKEND_PATH=", host + "GGML_BACKEND_PATH=")
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("BHROUTE_", "GGML_", "LD_PRELOAD"))}
        environment.update(PATH=os.pathsep.join([self.path("bin"), LLAMA, os.environ["PATH"]]), HOME=self.folder, BHROUTE=support.SOURCE,
                           BHROUTE_BINARY=support.BINARY, SHORT_LIST=self.path("short.json"))
        shell = subprocess.Popen(["bash", "-c", script], cwd=self.folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, text=True, start_new_session=True)
        try:
            said = shell.communicate(timeout=200)[0]
        except subprocess.TimeoutExpired:
            os.killpg(shell.pid, signal.SIGKILL)
            said = "it did not end\n" + shell.communicate()[0]
        self.assertEqual(shell.returncode, 0, f"{block}\n{said}")
        return said

    def run_page(self, name):
        return [self.run_block(script) for script in documents.scripts(name)]

    def servers_are_asked_once(self):
        text = ASKED_ONCE.replace("LLAMA_SERVER", os.path.join(LLAMA, "llama-server")).replace("PORT", str(free_port()))
        self.program("llama-server", text)

    def test_tutorial(self):
        said = self.run_page("docs/tutorial.md")
        self.assertIn("serve it", said[1])
        self.assertRegex(said[2], "A is (better|worse)|cannot be told apart")
        self.assertIn('"content":', said[3])
        asked, at_the_end = (re.search(pattern, said[3]) for pattern in (r'"tokens":(\d+)', r"layers fused, (\d+) tokens"))
        self.assertEqual(asked.group(1), at_the_end.group(1), "the statistics that are asked for hold the whole reply")

    def test_hosts(self):
        self.links(model_gguf=support.MODEL, text_txt=support.NORTHANGER)  # the tutorial makes its own
        for told in self.run_page("docs/hosts.md"):
            self.assertIn("4.00 experts a token", told)
            self.assertNotIn("no layer was fused", told)

    def test_readme(self):
        self.links(model_gguf=support.MODEL, text_txt=support.NORTHANGER, other_txt=support.PERSUASION)
        self.servers_are_asked_once()
        said = self.run_page("README.md")
        self.assertIn("serve it", said[0])
        self.assertEqual(said[-1].count("experts a token"), 3, "each host's line at its end")

    def test_hacking(self):
        if not os.path.exists(os.path.join(self.build, "bin", "test_stats")):
            self.skipTest("test_stats is not built")
        self.links(model_gguf=support.MODEL, text_txt=support.NORTHANGER)
        os.mkdir(self.path("build"))
        os.symlink(self.build, self.path("build/release"))
        self.run_page("HACKING.md")

    def test_commands(self):
        """The examples of the help, with the inputs that they name and do not make."""
        self.links(MODEL_gguf=support.MODEL, text_txt=support.NORTHANGER, fresh_txt=support.PERSUASION)
        self.servers_are_asked_once()
        for folder in ("docs", ".config/fish/completions"):
            os.makedirs(self.path(folder))
        for seed, dumps in enumerate(("DUMPS", "part1", "part2")):
            for layer in range(16):
                self.write(f"{dumps}/layer_{layer}.npy", support.npy([125, 64], support.planted_logits(125, 64, 16 * seed + layer)))
        self.write("token.npy", support.npy([64], support.planted_logits(1, 64, 99)))
        self.write("p_values.csv", "p\n0.001\n0.02\n0.9\n")
        for part in ("part1", "part2"):
            self.ok("calibrate", "--logits", part, "--null", "unselected", "--top-k", 8, "-o", f"{part}.safetensors")
        self.ok("export-kde", "part1.safetensors", "kde_models/models")
        self.write("list.json", self.ok("sweep", "--print-configurations").out)
        for model, folder in ((support.MODEL, "out/plain"), (ELASTIC, "out/elastic")):
            self.write("own.json", '{"configurations": [{"role": "baseline", "policy": "top_k:k=8", "plain_override": true}]}')
            self.ok("sweep", "-m", model, "-f", support.NORTHANGER, "-c", 32, "--windows", 4, "--configurations", "own.json", "-o", folder)
        self.run_page("docs/commands.md")
        for made in ("docs/commands.md", ".config/fish/completions/bhroute.fish", "both.html", "bhroute-quickstart/report.html"):
            self.assertTrue(os.path.exists(self.path(made)), made)


if __name__ == "__main__":
    unittest.main()
