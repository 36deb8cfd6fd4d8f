"""Every file of the output reaches the disk before it gets its name, and the name after that: fsync, rename, fsync of the folder.

What the commands call is written down by a preloaded library, tests/faults/record_syncs.c.
"""

import os

import scenario
import support

TEXT = ["-m", scenario.TINY, "-f", support.PERSUASION, "-c", 64, "-b", 64, "-t", 1]
LIST = '{"configurations": [{"name": "own", "role": "baseline", "policy": "top_k:k=4"}, {"name": "two", "role": "reference", "policy": "top_k:k=2"}]}'


class Sync(scenario.FaultCase):
    def calls(self, *words):
        """(what, path, other path) in their order, paths absolute."""
        log = self.path("calls")
        first = support.HOST_VARIABLES.get("LD_PRELOAD")  # a sanitizer's runtime wants to be the first
        preload = ":".join(filter(None, [first, os.environ["BHROUTE_RECORD_SYNCS"]]))
        self.ok(*words, env=support.HOST_VARIABLES | {"LD_PRELOAD": preload, "BHROUTE_SYNC_LOG": log})
        with open(log, encoding="utf-8") as file:
            found = [line.rstrip("\n").split("\t") for line in file]
        os.remove(log)
        return [(what, path, os.path.join(self.folder, other)) for what, path, other in found]

    def check(self, *words, at_least, grows=()):
        """`grows`: names of files that are written as they come, under their own names."""
        before = self.files()
        calls = self.calls(*words)
        renamed = {other for what, _, other in calls if what == "rename"}
        for i, (what, path, other) in enumerate(calls):
            if what == "rename":
                self.assertIn(("fsync", path), [call[:2] for call in calls[:i]], f"{other} was not waited for")
                self.assertIn(("fsync", os.path.dirname(other)), [call[:2] for call in calls[i:]], f"{other}: nor its folder")
        made = {self.path(name) for name in self.files().keys() - before.keys()}
        self.assertGreaterEqual(len(made), at_least)
        self.assertEqual(made - renamed, set(map(self.path, grows)), "written under their own names")
        print(f"{words[0]}: {len(renamed)} files, each on the disk before it had its name")

    def test_calibrate(self):
        self.check("calibrate", *TEXT, "--windows", 8, "--null", "all", "-o", "all.safetensors", "--null", "unselected", "-o",
                   "deep.safetensors", at_least=2)

    def test_evaluate(self):
        self.check("evaluate", *TEXT, "--windows", 4, "--policy", "top_k:k=2", "--summary", "summary.json", "--routing-log", "log.jsonl",
                   at_least=2)

    def test_sweep_and_report(self):
        self.check("sweep", *TEXT, "--windows", 4, "--configurations", self.write("list.json", LIST), "-o", "out", at_least=6)
        self.check("report", "out", at_least=1)

    def test_tune(self):
        self.check("tune", *TEXT, "--windows", 12, "--fit", 4, "--sensitivity", 1, "--screen", 2, "--second", 2, "--final", 4,
                   "--rules", "critical,min_p", "--weights", "mass", "--budget", 3, "-o", "p.json", at_least=20)

    def test_quickstart(self):
        self.check("quickstart", *TEXT[:4], "-c", 32, "-t", 1, "--budget", 3, "--effort", "quick", "--windows", 12, "-o", "out",
                   at_least=10, grows=["out/steps.txt"])


if __name__ == "__main__":
    scenario.main()
