"""kill -9 at random moments, then the same command again: the files of an undisturbed run, byte for byte apart from timings.

BHROUTE_KILLS moments a command (4); BHROUTE_KILL_SEED chooses them (1). The long run of 50 is `ctest -L exhaustive`.
"""

import os
import random
import re
import signal
import subprocess
import sys
import time

import scenario
import support

KILLS = int(os.environ.get("BHROUTE_KILLS", "4"))
SEED = int(os.environ.get("BHROUTE_KILL_SEED", "1"))
TEXT = ["-m", scenario.TINY, "-f", support.PERSUASION, "-c", 64, "-b", 64, "-t", 1]
LIST = '{"configurations": [%s]}' % ", ".join(
    '{"name": "top-%d", "role": "%s", "policy": "%s"}' % (k, "baseline" if k == 4 else "reference", f"top_k:k={k}")
    for k in (4, 1, 2, 3, 6))
# How a run came about, not what it found.
HOW = re.compile(rb'"windows_(run|reused)": ?\d+')


def settled(files):
    return {name: HOW.sub(b"", data) for name, data in scenario.without_timings(files).items()}


class Kill(scenario.FaultCase):
    def start_in(self, folder, words):
        os.makedirs(self.path(folder), exist_ok=True)
        return subprocess.Popen([support.BINARY, *map(str, words)], cwd=self.path(folder), stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def finish(self, folder, words):
        process = self.start_in(folder, words)
        _, err = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 0, err)
        return settled(self.files(folder))

    def kill_after(self, seconds, folder, words):
        """Whether it was still running."""
        process = self.start_in(folder, words)
        try:
            process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
        return process.returncode == -signal.SIGKILL

    def undisturbed(self, folder, words):
        """Its files, and the seconds it took."""
        begin = time.monotonic()
        return self.finish(folder, words), time.monotonic() - begin

    def check(self, words, leftovers=()):
        whole, first_took = self.undisturbed("whole", words)
        again, took = self.undisturbed("again", words)
        self.assertEqual(again, whole, "two undisturbed runs differ: nothing can be compared")
        took = min(took, first_took)
        moments, tries, hit, second = random.Random(SEED), 0, 0, 0
        while hit < KILLS:
            tries += 1
            self.assertLess(tries, 4 * KILLS + 10, "it ends before it can be hit")
            folder = f"killed{tries}"
            if not self.kill_after(moments.uniform(0, took), folder, words):
                continue
            hit += 1
            if moments.random() < 0.3:  # some are hit again, while they continue
                second += self.kill_after(moments.uniform(0, took), folder, words)
            found = self.finish(folder, words)
            stray = [name for name in found if name not in whole]
            self.assertEqual([name for name in stray if not (leftovers and name.endswith(".tmp"))], [], f"kill {hit}")
            for name, data in whole.items():
                self.assertEqual(found.get(name), data, f"kill {hit}: {name} differs from an undisturbed run's")
        print(f"{words[0]}: an undisturbed run takes {took:.2f} s; killed {hit} times, {second} of them twice; {len(whole)} files alike")

    def test_sweep(self):
        self.check(["sweep", *TEXT, "--windows", 12, "--configurations", self.write("list.json", LIST), "-o", "out"])

    def test_tune(self):
        self.check(["tune", *TEXT, "--windows", 12, "--fit", 4, "--sensitivity", 1, "--screen", 2, "--second", 2, "--final", 4,
                    "--rules", "critical,min_p", "--weights", "mass", "--budget", 3, "-o", "p.json"], leftovers="beside the policy")

    def test_calibrate(self):
        self.check(["calibrate", *TEXT, "--windows", 60, "--null", "all", "-o", "all.safetensors", "--null", "unselected",
                    "-o", "unselected.safetensors"], leftovers="beside the tables")


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1] == "--long" and os.environ.get("BHROUTE_EXHAUSTIVE") != "1":
        print("BHROUTE_EXHAUSTIVE is not set")
        sys.exit(77)
    if "--long" in sys.argv:
        sys.argv.remove("--long")
        KILLS = 50
    scenario.main()
