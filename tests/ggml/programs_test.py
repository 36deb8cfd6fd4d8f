"""The real programs of the pinned llama.cpp, started by `bhroute exec`, against themselves alone."""

import json
import os
import pathlib
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

VARIABLES = ("BHROUTE_BINARY", "BHROUTE_LLAMA_BIN", "BHROUTE_PLUGIN", "BHROUTE_SOURCE_DIR")
BHROUTE = os.environ["BHROUTE_BINARY"]
PROGRAMS = pathlib.Path(os.environ["BHROUTE_LLAMA_BIN"])
PLUGIN = os.environ["BHROUTE_PLUGIN"]
SOURCE = pathlib.Path(os.environ["BHROUTE_SOURCE_DIR"])
MODEL = str(SOURCE / "models/olmoe-nano/olmoe-nano-q8_0.gguf")
THREADS = "2"
PROMPTS = ("She was only Anne; but to Lady Russell,", "The party drove off in very good spirits.")
SKIPPED = 77
# What a program needs to take this plugin: a sanitized one's runtime (tests/CMakeLists.txt).
HOST_VARIABLES = dict(v.split("=", 1) for v in os.environ.get("BHROUTE_HOST_VARIABLES", "").split())


def environment(**variables):
    """This process's, without what would load or configure the plugin."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("BHROUTE_", "GGML_", "LD_PRELOAD"))}
    return kept | HOST_VARIABLES | variables


def run(words, **variables):
    return subprocess.run([str(w) for w in words], capture_output=True, text=True, timeout=250,
                          stdin=subprocess.DEVNULL, env=environment(**variables), check=False)


def routed(policy, *words, flags=()):
    return run([BHROUTE, "exec", "--policy", policy, *flags, "--", *words])


class ProgramsCase(unittest.TestCase):
    """The programs in `programs`, on a short text."""

    programs = PROGRAMS

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.text = pathlib.Path(cls.folder.name, "text.txt")
        cls.text.write_text((SOURCE / "data/persuasion.txt").read_text(encoding="utf-8")[5000:7500], encoding="utf-8")

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def perplexity_words(self, *more):
        return [self.programs / "llama-perplexity", "-m", MODEL, "-f", self.text, "-c", "128", "-t", THREADS, *more]

    def perplexities(self, done):
        found = re.findall(r"\[\d+\]([\d.]+)", done.stdout + done.stderr)
        self.assertGreater(len(found), 2, done.stderr[-2000:])
        return found

    def assert_fused(self, done, layers=16):
        self.assertEqual(done.returncode, 0, done.stderr[-2000:])
        self.assertIn(f"bhroute: {layers} layers fused", done.stderr)

    def cli_words(self, *more):
        """One greedy reply, then the end."""
        return [self.programs / "llama-cli", "-m", MODEL, "-t", THREADS, "-c", "256", "-n", "24", "--temp", "0", "-p", PROMPTS[0],
                "--single-turn", "--simple-io", "--no-show-timings", *more]

    def reply(self, done):
        self.assertEqual(done.returncode, 0, done.stderr[-2000:])
        _, found, reply = done.stdout.partition(f"> {PROMPTS[0]}")
        self.assertTrue(found and len(reply) > 40, done.stdout)
        return reply

    def check_perplexity_of_the_models_own_count_and_of_four(self):
        own = routed("top_k:k=8", *self.perplexity_words())
        self.assert_fused(own)
        self.assertEqual(self.perplexities(own), self.perplexities(run(self.perplexity_words())))
        four = routed("top_k:k=4", *self.perplexity_words())
        self.assert_fused(four)
        self.assertIn("4.00 experts a token", four.stderr)
        self.assertIn("50.0 % of pairs skipped", four.stderr)
        stock = run(self.perplexity_words("--override-kv", "olmoe.expert_used_count=int:4"))
        self.assertEqual(self.perplexities(four), self.perplexities(stock))

    def check_cli_replies_as_stock_with_as_many_experts(self):
        own = routed("top_k:k=8", *self.cli_words())
        self.assert_fused(own)
        self.assertEqual(self.reply(own), self.reply(run(self.cli_words())))
        four = routed("top_k:k=4", *self.cli_words())
        self.assert_fused(four)
        self.assertIn("4.00 experts a token", four.stderr)
        self.assertNotEqual(self.reply(four), self.reply(own))
        self.assertEqual(self.reply(four),
                         self.reply(run(self.cli_words("--override-kv", "olmoe.expert_used_count=int:4"))))


class ProgramsTest(ProgramsCase):
    def test_perplexity(self):
        self.check_perplexity_of_the_models_own_count_and_of_four()

    def test_cli(self):
        self.check_cli_replies_as_stock_with_as_many_experts()

    def test_bench_takes_it_and_keeps_its_own_flags(self):
        done = routed("top_k:k=2", PROGRAMS / "llama-bench", "-m", MODEL, "-t", THREADS, "-p", "16", "-n", "2", "-r",
                      "1", "-ub", "8", "-ngl", "0")
        self.assert_fused(done)
        self.assertIn("75.0 % of pairs skipped", done.stderr)

    def test_what_was_routed_comes_last_in_a_pipe_too(self):
        words = [BHROUTE, "exec", "--policy", "top_k:k=2", "--", PROGRAMS / "llama-bench", "-m", MODEL, "-t", THREADS, "-p", "8", "-n", "0", "-r", "1"]
        done = subprocess.run([str(w) for w in words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=250, env=environment(), check=True)
        self.assertIn("16 layers fused", done.stdout.splitlines()[-1])

    def test_quantize_has_no_layer_to_fuse_and_says_so(self):
        target = pathlib.Path(self.folder.name, "copy.gguf")
        done = routed("top_k:k=2", PROGRAMS / "llama-quantize", MODEL, target, "COPY")
        self.assertEqual(done.returncode, 0, done.stderr[-2000:])
        self.assertIn("WARNING: no layer was fused", done.stderr)

    def test_the_environment_alone_is_enough_for_programs_that_look_for_backends(self):
        words = [PROGRAMS / "llama-bench", "-m", MODEL, "-t", THREADS, "-p", "0", "-n", "2", "-r", "1"]
        self.assert_fused(run(words, GGML_BACKEND_PATH=PLUGIN, BHROUTE_POLICY="top_k:k=4"))
        unset = run(words, GGML_BACKEND_PATH=PLUGIN)
        self.assertIn("WARNING: no layer was fused", unset.stderr)
        self.assertIn("BHROUTE_POLICY is not set", unset.stderr)

    def test_what_the_caller_preloads_stays_in_front(self):
        own = ":".join([*filter(None, [HOST_VARIABLES.get("LD_PRELOAD")]), "libm.so.6"])
        done = run([BHROUTE, "exec", "--policy", "top_k:k=2", "--", "env"], LD_PRELOAD=own)
        self.assertRegex(done.stdout, rf"(?m)^LD_PRELOAD={re.escape(own)}:\S*libggml-bhroute\.so$")

    def test_what_is_no_llama_program_fails(self):
        done = routed("top_k:k=2", "ls", "/")
        self.assertEqual(done.returncode, 1)
        self.assertIn("without taking the plugin", done.stderr)
        script = routed("top_k:k=2", "sh", "-c",
                        f"{PROGRAMS / 'llama-bench'} -m {MODEL} -t {THREADS} -p 0 -n 1 -r 1")
        self.assert_fused(script)  # what a script starts counts

    def test_quiet_is_quiet(self):
        quiet = run([BHROUTE, "exec", "--quiet", "--policy", "top_k:k=4", "--", PROGRAMS / "llama-bench", "-m", MODEL, "-t", THREADS, "-p", "0", "-n", "1", "-r", "1"])
        self.assertEqual(quiet.returncode, 0, quiet.stderr)
        self.assertNotIn("bhroute: ", quiet.stderr)

    def test_what_would_run_unrouted_or_untold_is_refused_before_it_starts(self):
        too_many = routed("top_k:k=99", "ls", "-m", MODEL)
        self.assertEqual(too_many.returncode, 2)
        self.assertIn("k: out of range, got 99, want 1 <= k <= 64 experts", too_many.stderr)
        nowhere = run([BHROUTE, "exec", "--policy", "top_k:k=2", "--stats", "/no/such/x.json", "--", "ls"])
        self.assertEqual(nowhere.returncode, 2)
        self.assertIn("--stats: there is no such folder, got /no/such", nowhere.stderr)
        log = pathlib.Path(self.folder.name, "log")
        for path in (log, "/dev/stdout"):
            with log.open("w") as out:
                taken = subprocess.run([BHROUTE, "exec", "--policy", "top_k:k=2", "--stats", path, "--", "echo", "said"], stdout=out,
                                       stderr=subprocess.PIPE, text=True, env=environment(), check=False)
            self.assertEqual(taken.returncode, 2)
            self.assertIn(f"--stats: is where the program's own output goes, got {path}", taken.stderr)

    def test_what_takes_no_plugin_is_refused_before_it_starts(self):
        static = pathlib.Path(self.folder.name, "static")
        header = pathlib.Path("/proc/self/exe").read_bytes()[:64]
        static.write_bytes(header[:56] + struct.pack("<H", 0) + header[58:])  # no segments, so no interpreter
        static.chmod(0o755)
        done = routed("top_k:k=2", static)
        self.assertEqual(done.returncode, 1)
        self.assertIn("linked statically", done.stderr)
        for policy, word, reason in (("top_k:k=x", "ls", "k: not a number"), ("top_k:k=2", "no-such", "no such program"),
                                     ("bh:alpha=0.1,table=/missing", "ls", "/missing")):
            refused = routed(policy, word)
            self.assertEqual(refused.returncode, 2, refused.stderr)
            self.assertIn(reason, refused.stderr)
        missing = routed("top_k:k=2", "ls", flags=["--plugin", "/missing.so"])
        self.assertEqual(missing.returncode, 1)
        self.assertIn("the plugin was not found", missing.stderr)

    def test_a_plugin_that_cannot_be_preloaded_is_refused_before_the_program_starts(self):
        text, other = pathlib.Path(self.folder.name, "text.so"), next(PROGRAMS.parent.glob("lib/libggml-base.so*"))
        text.write_text("It was a fine day.\n", encoding="utf-8")
        cases = [(text, r"the plugin cannot be loaded \(.*\)"), (other, r"the plugin is not libggml-bhroute\.so")]
        for name in ("a folder", "a:folder", "a$LIB"):
            copy = pathlib.Path(self.folder.name, name, "libggml-bhroute.so")
            copy.parent.mkdir()
            shutil.copy(PLUGIN, copy)
            cases.append((copy, "LD_PRELOAD cannot hold the plugin.s path"))
        for plugin, reason in cases:
            done = routed("top_k:k=2", "echo", "started", flags=["--plugin", plugin])
            self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
            self.assertRegex(done.stderr, rf"^bhroute: exec: {reason}, got {re.escape(str(plugin.resolve()))}, want .*\n$")
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)

    def test_a_program_with_rights_of_its_own_is_refused(self):
        if os.geteuid() != 0:
            self.skipTest("only root can give a program away")
        program = shutil.copy(shutil.which("true"), self.folder.name)
        os.chown(program, 65534, 65534)
        os.chmod(program, 0o4755)
        done = routed("top_k:k=2", program)
        self.assertEqual(done.returncode, 1)
        self.assertIn("runs with rights of its own", done.stderr)

    def test_a_program_that_drops_the_preload_and_looks_for_backends_takes_it_once(self):
        done = routed("top_k:k=2", "env", "-u", "LD_PRELOAD", *(f"{k}={v}" for k, v in HOST_VARIABLES.items()), PROGRAMS / "llama-bench", "-m", MODEL,
                      "-t", THREADS, "-p", "0", "-n", "1", "-r", "1")
        self.assert_fused(done)


def main_or_skip():
    """unittest.main, with an exit code of its own where all tests were skipped."""
    result = unittest.main(exit=False).result
    if result.testsRun == len(result.skipped):
        sys.exit(SKIPPED)
    sys.exit(not result.wasSuccessful())


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """llama-server on loopback; `prefix` starts it."""

    def __init__(self, prefix, slots=1):
        self.port = free_port()
        words = [*prefix, PROGRAMS / "llama-server", "-m", MODEL, "-t", THREADS, "--port", self.port, "-c", 512 * slots, "-np", slots,
                 "--no-webui"]
        self.log = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen([str(w) for w in words], stdout=self.log, stderr=self.log, env=environment())

    def __enter__(self):
        for _ in range(300):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=1):
                    return self
            except OSError:
                time.sleep(0.2)
        raise TimeoutError(self.text())

    def complete(self, prompt, length=24):
        body = json.dumps({"prompt": prompt, "n_predict": length, "temperature": 0, "cache_prompt": False}).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}/completion", body,
                                         {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=120) as reply:
            return json.load(reply)["content"]

    def text(self):
        """What the server has said; by pread, since it writes where this file's position is."""
        size = os.fstat(self.log.fileno()).st_size
        return os.pread(self.log.fileno(), size, 0).decode("utf-8", "replace")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=60)
        self.output = self.text()
        self.log.close()


class ServerTest(unittest.TestCase):
    def test_replies_statistics_and_a_policy_that_changes_while_it_runs(self):
        with Server([]) as stock:
            expected = [stock.complete(p) for p in PROMPTS]
        with tempfile.TemporaryDirectory() as folder:
            policy, statistics = pathlib.Path(folder, "policy.json"), pathlib.Path(folder, "line.txt")
            policy.write_text('{"rule": "top_k", "k": 8}')
            with Server([BHROUTE, "exec", "--policy", policy, "--stats", statistics, "--"]) as server:
                self.assertEqual([server.complete(p) for p in PROMPTS], expected)
                time.sleep(1)  # the file is renewed within 50 ms, with no further request
                tokens = int(re.search(r"(\d+) tokens", statistics.read_text()).group(1))
                self.assertIn("16 layers fused", statistics.read_text())
                server.complete(PROMPTS[0], 8)
                time.sleep(1)
                now = int(re.search(r"(\d+) tokens", statistics.read_text()).group(1))
                self.assertGreater(now, tokens)
                policy.write_text('{"rule": "top_k", "k": 1}')
                time.sleep(0.25)  # no request meanwhile: the first one after follows it from its first token
                self.assertNotEqual(server.complete(PROMPTS[0]), expected[0])
                policy.write_text('{"rule": "top_k", "k": ')
                time.sleep(0.25)
                self.assertNotEqual(server.complete(PROMPTS[0]), expected[0])
        self.assertIn("bhroute: policy top_k:k=1", server.output)
        self.assertIn("the old policy stays", server.output)
        self.assertEqual(server.process.returncode, 0, server.output[-2000:])


if __name__ == "__main__":
    unittest.main()
