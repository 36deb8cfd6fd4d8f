"""The checks of tools/checks fail on a planted violation and pass on a tree that obeys.  checks_test.py"""

import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools" / "checks"))
sys.dont_write_bytecode = True

import check_arrows  # noqa: E402
import check_documents  # noqa: E402
import check_functions  # noqa: E402
import check_layout  # noqa: E402
import check_words  # noqa: E402
import source_tree  # noqa: E402

OBEDIENT = {
    "include/bhroute/core/error.h": "",
    "include/bhroute/stats/kde.h": '#include "bhroute/core/error.h"\n',
    "include/bhroute/routing/policy.h": '#include "bhroute/stats/kde.h"\n',
    "src/stats/kde.cpp": '#include "bhroute/stats/kde.h"\n#include <vector>\n#include "grid.h"\n',
    "src/stats/grid.h": "",
    "adapters/llama/runner.h": '#include "bhroute/routing/policy.h"\n#include "llama.h"\n',
    "apps/bhroute/main.cpp": '#include "llama/runner.h"\n#include "bhroute/stats/kde.h"\n',
    "bench/run_bench.cpp": '#include "llama/runner.h"\n',
    "tests/cli/main_test.py": "",
    "tests/stats/kde_test.cpp": '#include "src/stats/grid.h"\n',
    "docs/architecture.md": "`include/` `src/stats` `adapters/llama` `apps/bhroute` `tests/` `bench/` `docs/`\n",
    "HACKING.md": "`include/` `src/stats` `adapters/llama` `apps/bhroute` `tests/` `bench/` `docs/`\n",
}


class PlantedViolation(unittest.TestCase):
    def found_in(self, check, planted):
        """What `check` says of the obedient tree with the `planted` files in it."""
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for name, text in {**OBEDIENT, **planted}.items():
                path = root / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            return check.check(root)

    def assert_told(self, found, *words):
        self.assertEqual(len(found), 1, found)
        for word in words:
            self.assertIn(word, found[0])


class Functions(PlantedViolation):
    def body(self, lines):
        return "int f() {\n" + "  g();\n" * (lines - 2) + "}\n"

    def test_a_long_function(self):
        short = "".join(f"int f{i}() {{ return {i}; }}\n" for i in range(3))
        self.assertEqual(self.found_in(check_functions, {"src/stats/kde.cpp": short + self.body(60)}), [])
        self.assert_told(self.found_in(check_functions, {"src/stats/kde.cpp": short + self.body(61)}), "src/stats/kde.cpp:4 f: 61 lines")

    def test_many_that_are_not_short(self):
        self.assert_told(self.found_in(check_functions, {"src/stats/kde.cpp": self.body(9) * 3}), "half of all functions have 9 lines")


class Arrows(PlantedViolation):
    def test_obedient_tree_passes(self):
        self.assertEqual(self.found_in(check_arrows, {}), [])

    def refused(self, name, include, *words):
        self.assert_told(self.found_in(check_arrows, {name: f'#include "{include}"\n'}), name, include, *words)

    def test_upward_include_of_a_source(self):
        self.refused("src/stats/up.cpp", "bhroute/routing/policy.h", "stats does not depend on routing")

    def test_upward_include_of_a_public_header(self):
        self.refused("include/bhroute/core/up.h", "bhroute/stats/kde.h", "core does not depend on stats")

    def test_kernels_know_no_statistics(self):
        self.refused("src/kernels/up.cpp", "bhroute/stats/kde.h", "kernels does not depend on stats")

    def test_private_header_of_another_folder(self):
        self.refused("src/routing/peek.cpp", "../stats/grid.h", "public headers only")

    def test_adapter_reads_a_private_header(self):
        self.refused("adapters/llama/peek.cpp", "src/stats/grid.h", "only include/bhroute")

    def test_library_includes_an_adapter(self):
        self.refused("src/evaluation/peek.cpp", "llama/runner.h", "public headers only")

    def test_one_adapter_includes_another(self):
        self.refused("adapters/torch/peek.cpp", "llama/runner.h", "only include/bhroute")

    def test_nobody_includes_apps(self):
        self.assert_told(
            self.found_in(check_arrows, {"apps/bhroute/command.h": "",
                                         "adapters/llama/peek.cpp": '#include "apps/bhroute/command.h"\n'}),
            "nobody includes apps")

    def test_an_engine_header_in_the_library(self):
        self.refused("src/evaluation/peek.cpp", "llama.h", "only adapters/")

    def test_simd_in_statistics(self):
        self.refused("src/stats/fast.cpp", "hwy/highway.h", "src/kernels/")

    def test_header_that_is_not_there(self):
        self.refused("src/stats/typo.cpp", "bhroute/stats/kdf.h", "no such header")

    def test_unknown_layer(self):
        self.assert_told(self.found_in(check_arrows, {"src/magic/a.cpp": ""}), "magic is not a layer")


class Layout(PlantedViolation):
    def test_obedient_tree_passes(self):
        self.assertEqual(self.found_in(check_layout, {}), [])

    def test_source_without_test(self):
        self.assert_told(self.found_in(check_layout, {"src/stats/new.cpp": ""}), "tests/stats/new_test.cpp")

    def test_the_gpus_form_shares_the_test_of_its_operation(self):
        self.assertEqual(self.found_in(check_layout, {"src/stats/kde_cuda.cu": ""}), [])
        self.assert_told(self.found_in(check_layout, {"src/stats/new_cuda.cu": ""}), "tests/stats/new_test.cpp")

    def with_reasons(self, *lines):
        return {"docs/architecture.md": OBEDIENT["docs/architecture.md"] + "`python/` `tools/`\n" + "".join(line + "\n" for line in lines),
                "HACKING.md": OBEDIENT["HACKING.md"] + "`python/` `tools/`\n"}

    def test_programs_packages_and_tools_too(self):
        for source, test in (("apps/bhroute/new.cpp", "tests/cli/new_test"), ("python/bhroute/deep/new.py", "tests/python/new_test"),
                             ("python/src/new.cpp", "tests/python/new_test"), ("tools/new.sh", "tests/checks/new_test")):
            with self.subTest(source):
                self.assert_told(self.found_in(check_layout, {source: "", **self.with_reasons()}), source, test)
                for suffix in (".py", ".sh", ".cpp"):
                    self.assertEqual(self.found_in(check_layout, {source: "", test + suffix: "", **self.with_reasons()}), [])

    def test_one_reason_excuses_the_files_of_a_folder_and_none_below(self):
        planted = {"tools/set/a.sh": "", "tools/set/b.sh": "", **self.with_reasons("- `tools/set/`: why")}
        self.assertEqual(self.found_in(check_layout, planted), [])
        self.assert_told(self.found_in(check_layout, {"tools/set/deep/c.sh": "", **planted}), "tools/set/deep/c.sh")

    def test_the_library_has_no_reason_for_a_whole_folder(self):
        self.assert_told(self.found_in(check_layout, {"src/stats/new.cpp": "", **self.with_reasons("- `src/stats/`: why")}), "no reason")

    def test_stale_reason_of_a_folder(self):
        for planted in ({}, {"tools/set/a.sh": "", "tests/checks/a_test.sh": ""}):
            self.assert_told(self.found_in(check_layout, {**planted, **self.with_reasons("- `tools/set/`: why")}), "tools/set/", "excused")

    def test_listed_exception_is_excused(self):
        text = OBEDIENT["docs/architecture.md"] + "- `src/stats/new.cpp`: it holds a string.\n"
        self.assertEqual(
            self.found_in(check_layout, {"src/stats/new.cpp": "", "docs/architecture.md": text}), [])

    def test_exception_without_a_reason_is_none(self):
        text = OBEDIENT["docs/architecture.md"] + "- `src/stats/new.cpp`:\n"
        self.assert_told(
            self.found_in(check_layout, {"src/stats/new.cpp": "", "docs/architecture.md": text}), "no reason")

    def test_stale_exceptions(self):
        text = OBEDIENT["docs/architecture.md"] + "- `src/stats/gone.cpp`: why\n- `src/stats/kde.cpp`: why\n"
        found = self.found_in(check_layout, {"docs/architecture.md": text})
        self.assertEqual(len(found), 2, found)

    def test_folder_named_after_nothing(self):
        found = self.found_in(check_layout, {"src/stats/utils/a.h": ""})
        self.assert_told(found, "src/stats/utils")

    def test_long_file(self):
        self.assert_told(self.found_in(check_layout, {"src/stats/long.h": "\n" * 451}), "got 451 lines")

    def test_undocumented_folder(self):
        found = self.found_in(check_layout, {"fuzz/a.txt": ""})
        self.assertEqual(len(found), 2, found)
        self.assertIn("does not mention the folder fuzz", found[0])


class Documents(PlantedViolation):
    GOOD = "# Of p-values (two)\n[a](docs/architecture.md) [b](#of-p-values-two) [c](https://example.org/x)\n"

    def test_links_that_lead_somewhere(self):
        self.assertEqual(self.found_in(check_documents, {"README.md": self.GOOD}), [])

    def test_links_in_code_are_none(self):
        self.assertEqual(self.found_in(check_documents, {"README.md": "```\n[x](gone.md)\n```\n"}), [])

    def test_broken_links(self):
        for link in ("docs/gone.md", "#gone", "docs/architecture.md#gone"):
            with self.subTest(link):
                self.assert_told(self.found_in(check_documents, {"README.md": f"[a]({link})\n"}), link, "no such")

    def test_glossary(self):
        code = {"src/stats/grid.h": "int num_experts;\n"}
        good = "| word | meaning |\n|---|---|\n| `num_experts` | how many |\n| `a`, token | what |\n"
        self.assertEqual(self.found_in(check_documents, {"src/stats/grid.h": "int num_experts, a;\n", "docs/glossary.md": good}), [])
        self.assert_told(self.found_in(check_documents, {**code, "docs/glossary.md": good}), "docs/glossary.md", "a is in no code")
        twice = "| gate | one |\n| gate | two |\n"
        self.assert_told(self.found_in(check_documents, {"docs/glossary.md": twice}), "gate is told twice")

    def test_placeholder(self):
        self.assert_told(self.found_in(check_documents, {"README.md": "@@" + "FILL@@\n"}), "1 placeholders")


class Words(PlantedViolation):
    def test_obedient_tree_passes(self):
        self.assertEqual(self.found_in(check_words, {}), [])

    def test_machine_paths(self):
        for word in ("/" + "work/a", "/" + "root/.cache", "/" + "home/ann/x", "../" + "shared/x"):
            with self.subTest(word):
                self.assert_told(self.found_in(check_words, {"docs/a.md": f"see {word}\n"}), "docs/a.md:1")

    def test_words_that_only_look_alike(self):
        self.assertEqual(self.found_in(check_words, {"a.md": "src/work/x, homework/, /usr/share, shared_ptr\n"}), [])


if __name__ == "__main__":
    source_tree.need("lizard", ROOT)
    unittest.main()
