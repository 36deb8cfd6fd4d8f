"""docs/formats.md against the program: versions, and the keys of what each command writes; newer files are refused by name."""

import json
import os
import re
import unittest

import support

TINY = ["-m", support.MODEL, "-f", support.PERSUASION, "-c", 32, "--windows", 2, "-t", 1, "-q"]
ENDLESS = 99


def sections():
    with open(os.path.join(support.SOURCE, "docs", "formats.md"), encoding="utf-8") as file:
        parts = re.split(r"^## (.*)$", file.read(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2]))


def documented(section):
    """({key: whether it is always there}) of all tables of a section."""
    keys = {}
    for cell, meaning in re.findall(r"^\| (`.*?) \| (.*) \|$", section, re.MULTILINE):
        for key in re.findall(r"`([\w.]+)`", cell):
            keys[key] = not meaning.startswith("(")
    return keys


class FormatsTest(support.CliTest):
    def assert_keys(self, name, found):
        known = documented(sections()[name])
        self.assertGreater(len(known), 1)
        self.assertEqual(set(found) - set(known), set(), f"{name}: not in docs/formats.md")
        self.assertEqual({key for key, always in known.items() if always} - set(found), set(), f"{name}: in docs/formats.md only")

    def read(self, *parts):
        with open(self.path(*parts), encoding="utf-8") as file:
            return json.load(file)

    def change(self, name, **keys):
        self.write(name, json.dumps({**self.read(name), **keys}))


class Versions(FormatsTest):
    def test_are_those_of_the_page(self):
        told = self.ok("info", "--json").json()["format_versions"]
        page = {name: int(version) for name, section in sections().items() for version in re.findall(r"^Version (\d+), of ", section, re.MULTILINE)}
        self.assertEqual(told, page)


class Table(FormatsTest):
    def test_keys(self):
        self.write("dumps/layer_0.npy", support.npy([40, 8], support.planted_logits(40, 8, 1)))
        known = documented(sections()["calibration table"])
        seen = set()
        for flags in ([], ["--reservoir", 0], ["--smoothing-kernel", "gaussian"]):
            self.ok("calibrate", "--logits", "dumps", *flags, "-o", "t.safetensors")
            tensors, metadata = support.read_safetensors(self.path("t.safetensors"))
            found = set(metadata) | {name.replace("layer.0.", "layer.L.") for name in tensors}
            self.assertEqual(found - set(known), set())
            self.assertIn(metadata["format_version"], ("1", "2"))
            seen |= found
        self.assertEqual(set(known) - seen, set())


class Policy(FormatsTest):
    def rules(self):
        section = sections()["policy"]
        return {rule: re.findall(r"`(\w+)`", keys) for rule, keys in re.findall(r"^\| `(\w+)` \| (`.*) \|$", section[section.index("| rule |"):], re.MULTILINE)}

    def test_keys_of_each_rule(self):
        script = self.ok("completions", "bash").out
        names = re.search(r'"tune --rules"\) COMPREPLY=\(\$\(compgen -W "([^"]*)"', script).group(1).split()
        self.assertEqual(list(self.rules()), names)
        least = {"top_k_per_layer": {"ks": [2]}, "entropy": {"edges": [1.0], "counts": [1, 2]}, "critical": {"criticals": [0.5] * 7}}
        for rule, keys in self.rules().items():
            self.write("list.json", json.dumps({"configurations": [{"name": "x", "policy": {"rule": rule, **least.get(rule, {})}}]}))
            policy = self.ok("sweep", "--print-configurations", "--configurations", "list.json").json()["configurations"][0]["policy"]
            self.assertEqual(set(policy) - {"rule", "weights", "temperature"}, set(keys), rule)

    def test_older_and_newer(self):
        self.write("dumps/layer_0.npy", support.npy([40, 8], support.planted_logits(40, 8, 1)))
        self.ok("calibrate", "--logits", "dumps", "-o", "t.safetensors")
        for version in ({}, {"format_version": 1}):
            self.write("p.json", json.dumps({"rule": "top_k", "k": 2, **version}))
            self.ok("predict", "t.safetensors", "--policy", "p.json")
        self.change("p.json", format_version=ENDLESS)
        self.fails(2, "predict", "t.safetensors", "--policy", "p.json", says=["p.json: policy of a newer format_version", "got 99", "want at most 1"])


class Configurations(FormatsTest):
    def test_keys_and_newer(self):
        listed = self.ok("sweep", "--print-configurations").json()
        self.assert_keys("configurations", listed)
        told = re.findall(r"`(\w+)`", sections()["configurations"].partition("| `configurations` |")[2].partition("only")[0])
        self.assertEqual(set(listed["configurations"][0]), set(told))
        self.write("list.json", json.dumps({**listed, "format_version": ENDLESS}))
        self.fails(2, "sweep", "--print-configurations", "--configurations", "list.json", says=["list.json: configurations of a newer"])


@unittest.skipUnless(support.HAS_ENGINE, "no engine in this build")
class OfModels(FormatsTest):
    LIST = {"configurations": [{"name": "own", "role": "baseline", "policy": "top_k:k=8"}, {"name": "bh", "policy": "bh:alpha=0.5,max_k=16"}]}

    def test_routing_log(self):
        self.ok("evaluate", *TINY, "--policy", "top_k:k=4", "--routing-log", "log.jsonl", "--log-every", 40)
        told = re.search(r"`evaluate --routing-log` \(JSON Lines: ([^)]*)\)", sections()["Without a version"]).group(1)
        with open(self.path("log.jsonl"), encoding="utf-8") as log:
            self.assertEqual(list(json.loads(log.readline())), re.findall(r"`(\w+)`", told))

    def test_run_and_results(self):
        self.write("list.json", json.dumps(self.LIST))
        self.ok("calibrate", *TINY, "-o", "t.safetensors")
        self.ok("sweep", *TINY, "--configurations", "list.json", "--table", "t.safetensors", "-o", "out")
        self.assert_keys("results", self.read("out", "results.json"))
        runs = sorted(os.listdir(self.path("out", "runs")))
        stems = [name for name in runs if name.endswith(".json")]
        self.assertEqual(len(stems), 2)
        for name in stems:
            self.assert_keys("run", self.read("out", "runs", name))
        first = os.path.join("out", "runs", stems[0])
        self.ok("compare", *[os.path.join("out", "runs", name) for name in stems])
        self.change(first, format_version=ENDLESS)
        self.fails(2, "compare", *[os.path.join("out", "runs", name) for name in stems], says=["run of a newer format_version", stems[0]])
        again = self.ok("sweep", *TINY[:-1], "--configurations", "list.json", "--table", "t.safetensors", "-o", "out")
        self.assertIn("run again, out/runs/" + stems[0] + ": run of a newer format_version", again.err)
        self.change("out/results.json", format_version=ENDLESS)
        self.fails(2, "report", "out", says=["out/results.json: results of a newer format_version"])

    def test_summary_is_a_run(self):
        self.ok("evaluate", *TINY, "--policy", "top_k:k=4", "--summary", "s.json")
        self.assertEqual(self.read("s.json")["format_version"], 1)
        self.ok("compare", "s.json", "s.json")
        self.change("s.json", format_version=ENDLESS)
        self.fails(2, "compare", "s.json", "s.json", says=["s.json: run of a newer format_version"])

    def test_check(self):
        self.ok("calibrate", *TINY, "-o", "t.safetensors")
        self.ok("check", "t.safetensors", "-m", support.MODEL, "-f", support.NORTHANGER, "-c", 32, "--windows", 2, "-t", 1, "-q", "-o", "check.json")
        self.assert_keys("check", self.read("check.json"))
        self.write("list.json", json.dumps({"configurations": self.LIST["configurations"][:1]}))
        self.ok("sweep", *TINY, "--configurations", "list.json", "-o", "out")
        os.rename(self.path("check.json"), self.path("out", "check.json"))
        self.ok("report", "out")
        self.change("out/check.json", format_version=ENDLESS)
        self.fails(2, "report", "out", says=["out/check.json: check of a newer format_version"])

    def test_policy_and_ranking(self):
        self.ok("tune", "-m", support.MODEL, "-f", support.NORTHANGER, "-c", 32, "--windows", 6, "-t", 1, "-q", "--budget", 5, "-o", "p.json", "--fit", 3,
                "--screen", 1, "--second", 2, "--final", 3, "--sensitivity", 0, "--rules", "min_p", "--weights", "mass")
        self.assert_keys("ranking", self.read("p.ranking.json"))
        policy = self.read("p.json")
        rule = Policy.rules(self)[policy["rule"]]
        self.assertEqual(set(policy) - {"layers"}, {"format_version", "rule", "weights", "temperature", *rule})


if __name__ == "__main__":
    unittest.main()
