"""The plugin in builds of the pinned llama.cpp by other flags. Each variable names a folder that tools/setup/llama_cpp.sh printed:

    BHROUTE_DL_HOST=$(BHROUTE_LLAMA_FLAGS='-DGGML_BACKEND_DL=ON -DGGML_NATIVE=OFF' tools/setup/llama_cpp.sh)
    BHROUTE_NO_OPENMP_HOST=$(BHROUTE_LLAMA_FLAGS='-DGGML_OPENMP=OFF' tools/setup/llama_cpp.sh)
"""

import os
import pathlib
import unittest

import programs_test

DL_HOST = os.environ.get("BHROUTE_DL_HOST")
NO_OPENMP_HOST = os.environ.get("BHROUTE_NO_OPENMP_HOST")


class BuiltHost:
    """What holds in every host."""

    def test_perplexity(self):
        self.check_perplexity_of_the_models_own_count_and_of_four()

    def test_cli(self):
        self.check_cli_replies_as_stock_with_as_many_experts()


@unittest.skipUnless(DL_HOST, "BHROUTE_DL_HOST does not name a build with GGML_BACKEND_DL")
class DynamicBackendsTest(BuiltHost, programs_test.ProgramsCase):
    """GGML_BACKEND_DL: the CPU backend too is a file that the program loads while it starts."""

    programs = pathlib.Path(DL_HOST or ".", "bin")

    def test_the_cpu_backend_is_a_file_of_its_own(self):
        self.assertTrue((self.programs / "libggml-cpu.so").exists())
        self.assertNotIn("libggml-cpu", programs_test.run(["ldd", self.programs / "llama-perplexity"]).stdout)

    def test_the_environment_alone_is_enough(self):
        done = programs_test.run(self.perplexity_words(), GGML_BACKEND_PATH=programs_test.PLUGIN, BHROUTE_POLICY="top_k:k=4")
        self.assert_fused(done)


@unittest.skipUnless(NO_OPENMP_HOST, "BHROUTE_NO_OPENMP_HOST does not name a build without OpenMP")
class NoOpenMpTest(BuiltHost, programs_test.ProgramsCase):
    programs = pathlib.Path(NO_OPENMP_HOST or ".", "bin")

    def test_no_openmp_is_loaded(self):
        self.assertNotIn("gomp", programs_test.run(["ldd", self.programs / "llama-perplexity"]).stdout)


if __name__ == "__main__":
    programs_test.main_or_skip()
