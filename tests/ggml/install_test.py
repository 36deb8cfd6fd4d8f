"""What `cmake --install` puts into a prefix finds its own plugin."""

import os
import pathlib
import subprocess
import tempfile
import unittest

import programs_test

BUILD = os.environ["BHROUTE_BUILD_DIR"]
CMAKE = os.environ["BHROUTE_CMAKE"]


class InstallTest(unittest.TestCase):
    def test_exec_and_run_from_another_prefix(self):
        with tempfile.TemporaryDirectory() as prefix:
            subprocess.run([CMAKE, "--install", BUILD, "--prefix", prefix], check=True, capture_output=True)
            installed = pathlib.Path(prefix, "bin/bhroute")
            plugins = list(pathlib.Path(prefix).glob("lib*/**/libggml-bhroute.so"))
            self.assertEqual(len(plugins), 1)
            bench = [programs_test.PROGRAMS / "llama-bench", "-m", programs_test.MODEL, "-p", "0", "-n", "2", "-r", "1"]
            done = programs_test.run([installed, "exec", "--policy", "top_k:k=4", "--", *bench])
            self.assertEqual(done.returncode, 0, done.stderr[-2000:])
            self.assertIn("16 layers fused", done.stderr)
            ran = programs_test.run([installed, "run", "-m", programs_test.MODEL, "-p", "She was", "-n", "4", "--policy", "top_k:k=4",
                                     "--engine", "plugin"])
            self.assertEqual(ran.returncode, 0, ran.stderr[-2000:])
            for words, page in ((["man"], "man/man1/bhroute.1"), (["completions", "bash"], "bash-completion/completions/bhroute"),
                                (["completions", "zsh"], "zsh/vendor-completions/_bhroute"),
                                (["completions", "fish"], "fish/vendor_completions.d/bhroute.fish")):
                self.assertEqual(pathlib.Path(prefix, "share", page).read_text(encoding="utf-8"), programs_test.run([installed, *words]).stdout)
            plugins[0].unlink()
            missing = programs_test.run([installed, "exec", "--policy", "top_k:k=4", "--", *bench])
            self.assertEqual(missing.returncode, 1)
            self.assertIn("the plugin was not found", missing.stderr)


if __name__ == "__main__":
    unittest.main()
