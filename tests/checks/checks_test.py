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
import check_layout  # noqa: E402
import check_words  # noqa: E402

OBEDIENT = {
    "include/bhroute/core/error.h": "",
    "include/bhroute/stats/kde.h": '#include "bhroute/core/error.h"\n',
    "include/bhroute/routing/policy.h": '#include "bhroute/stats/kde.h"\n',
    "src/stats/kde.cpp": '#include "bhroute/stats/kde.h"\n#include <vector>\n#include "grid.h"\n',
    "src/stats/grid.h": "",
    "adapters/llama/runner.h": '#include "bhroute/routing/policy.h"\n#include "llama.h"\n',
    "apps/bhroute/main.cpp": '#include "llama/runner.h"\n#include "bhroute/stats/kde.h"\n',
    "bench/run_bench.cpp": '#include "llama/runner.h"\n',
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

    def test_variants_share_the_test_of_their_operation(self):
        self.assertEqual(self.found_in(check_layout, {"src/stats/kde_simd.cpp": ""}), [])

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
    unittest.main()
