"""Every command of docs/tutorial.md and docs/hosts.md is run: on the embedded model, with small windows, in one folder a page."""

import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import unittest

import support

DOCS = pathlib.Path(support.SOURCE, "docs")
LLAMA = os.environ.get("BHROUTE_LLAMA_BIN", "")
MARKED = re.compile(r"^<!-- run -->\n```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Shell blocks that are not run must be none: a page's other blocks are of other languages.
BLOCK = re.compile(r"^```(\w*)\n.*?^```$", re.MULTILINE | re.DOTALL)
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
if name == "quickstart":
    put("-c", "32"); put("--windows", "12"); put("--effort", "quick")
elif name in ("evaluate", "check", "calibrate", "sweep", "tune") and "-m" in words:
    put("-c", "32"); put("--windows", "4")
os.environ.update(HOST_VARIABLES)
os.execv(os.environ["BHROUTE_BINARY"], ["bhroute", *words])
"""


def blocks(name):
    return MARKED.findall((DOCS / name).read_text(encoding="utf-8"))


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class Marks(unittest.TestCase):
    def test_every_shell_block_is_marked(self):
        for name in ("tutorial.md", "hosts.md"):
            text = (DOCS / name).read_text(encoding="utf-8")
            self.assertGreater(len(blocks(name)), 3)
            others = BLOCK.findall(MARKED.sub("", text))
            self.assertEqual([language for language in others if language in ("", "sh")], [], f"{name}: a shell block that no test runs")


@unittest.skipUnless(support.HAS_ENGINE, "no engine in this build")
class Pages(support.CliTest):
    def setUp(self):
        super().setUp()
        if shutil.which("curl") is None:
            self.skipTest("curl is not installed")
        os.mkdir(self.path("bin"))
        self.write("bin/bhroute", SMALL.replace("HOST_VARIABLES", repr(support.HOST_VARIABLES)))
        os.chmod(self.path("bin/bhroute"), 0o755)
        # A build tree's plugin, where an installed one would be.
        os.symlink(os.path.join(os.path.dirname(support.BINARY), "..", "lib"), self.path("lib"))

    def run_block(self, block):
        script = "set -eu -o pipefail\n" + block.replace("8080", str(free_port()))
        host = "".join(f"{name}={value} " for name, value in support.HOST_VARIABLES.items())
        script = script.replace("GGML_BACKEND_PATH=", host + "GGML_BACKEND_PATH=")
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("BHROUTE_", "GGML_", "LD_PRELOAD"))}
        environment.update(PATH=os.pathsep.join([self.path("bin"), LLAMA, os.environ["PATH"]]), BHROUTE=support.SOURCE, BHROUTE_BINARY=support.BINARY)
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
        return [self.run_block(block) for block in blocks(name)]

    def test_tutorial(self):
        said = self.run_page("tutorial.md")
        self.assertIn("serve it", said[1])
        self.assertRegex(said[2], "A is (better|worse)|cannot be told apart")
        self.assertIn('"content":', said[3])
        asked, at_the_end = (re.search(pattern, said[3]) for pattern in (r'"tokens":(\d+)', r"layers fused, (\d+) tokens"))
        self.assertEqual(asked.group(1), at_the_end.group(1), "the statistics that are asked for hold the whole reply")

    def test_hosts(self):
        os.symlink(support.MODEL, self.path("model.gguf"))  # the tutorial makes its own
        os.symlink(support.NORTHANGER, self.path("text.txt"))
        for told in self.run_page("hosts.md"):
            self.assertIn("4.00 experts a token", told)
            self.assertNotIn("no layer was fused", told)


if __name__ == "__main__":
    unittest.main()
