"""kill -9 at random moments: every file that has its final name is whole. Then the same command again: the files of an
undisturbed run, byte for byte apart from timings.

BHROUTE_KILLS moments a command (4); BHROUTE_KILL_SEED chooses them (1). The long run of 50 is `ctest -L exhaustive`.
BHROUTE_KILL_LOG: a file that gets a line of JSON for each kill.
"""

import json
import os
import random
import re
import signal
import struct
import subprocess
import sys
import time

import scenario
import support

KILLS = int(os.environ.get("BHROUTE_KILLS", "4"))
SEED = int(os.environ.get("BHROUTE_KILL_SEED", "1"))
TEXT = ["-m", scenario.TINY, "-f", support.PERSUASION, "-c", 64, "-b", 64, "-t", 1]
LIST = json.dumps({"configurations": [{"name": "top-4", "role": "baseline", "policy": "top_k:k=4"}] +
                   [{"name": f"bh-{a}", "role": "grid", "policy": f"bh:alpha={a},max_k=6"} for a in (0.05, 0.3)] +
                   [{"name": f"top-{k}", "role": "reference", "policy": f"top_k:k={k}"} for k in (2, 6)]})
# How a run came about, not what it found.
HOW = re.compile(rb'"windows_(run|reused)": ?\d+')


def settled(files):
    return {name: HOW.sub(b"", data) for name, data in scenario.without_timings(files).items()}


def check_table(data):
    """A safetensors file, to its last byte."""
    length = int.from_bytes(data[:8], "little")
    tensors = json.loads(data[8:8 + length])
    tensors.pop("__metadata__")
    assert 8 + length + max(entry["data_offsets"][1] for entry in tensors.values()) == len(data), "cut"


def check_csv(data):
    assert data.endswith(b"\r\n") and data.count(b"\r\n") > 1, "cut"


def check_own_logits(data):
    """A page of header, rows of the vocabulary, a summary of each row: the last one is there."""
    magic, rows, vocabulary, summary = struct.unpack_from("<8sQQQ", data)
    assert magic == b"BHROWN01" and len(data) == 4096 + (4 * rows * vocabulary + 7) // 8 * 8 + rows * summary, "cut"
    assert any(data[-summary:]), "its end was not written"


# By the end of a file's name; of the rest, the undisturbed run's bytes are asked for.
READERS = {".json": json.loads, ".safetensors": check_table, ".csv": check_csv, ".bin": check_own_logits}


def problems(found, whole):
    """What is half-written among `found`, files at their final names."""
    told = []
    for name, data in found.items():
        try:
            reader = READERS.get(os.path.splitext(name)[1])
            if reader:
                reader(data)
            elif name in whole:
                assert data == whole[name], "differs from an undisturbed run's"
            else:
                assert os.path.basename(name) == ".lock", "no file of an undisturbed run"
        except (AssertionError, ValueError, KeyError, struct.error) as problem:
            told.append(f"{name}, {len(data)} bytes: {problem}")
    return told


def write_log(**entry):
    if "BHROUTE_KILL_LOG" in os.environ:
        with open(os.environ["BHROUTE_KILL_LOG"], "a", encoding="utf-8") as log:
            log.write(json.dumps(entry) + "\n")


class Kill(scenario.FaultCase):
    @classmethod
    def setUpClass(cls):
        maker = cls.maker_of_shared_files()
        cls.table = os.path.join(cls.shared, "t.safetensors")
        maker.ok("calibrate", *TEXT, "--windows", 20, "--quiet", "-o", cls.table)

    def start_in(self, folder, words):
        os.makedirs(self.path(folder), exist_ok=True)
        return subprocess.Popen([support.BINARY, *map(str, words)], cwd=self.path(folder), stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def finish(self, folder, words):
        process = self.start_in(folder, words)
        _, err = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 0, err)
        return settled(self.files(folder))

    def kill_after(self, seconds, folder, words, whole):
        """Whether it was still running; then all that it left at a final name is whole."""
        process = self.start_in(folder, words)
        try:
            process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
        if process.returncode != -signal.SIGKILL:
            return False
        left = self.files(folder)
        found = {name: data for name, data in left.items() if not name.endswith(".tmp")}
        told = problems(found, whole)
        write_log(command=words[0], killed_after_s=round(seconds, 4), folder=folder, files=len(found),
                  under_way=len(left) - len(found), half_written=told)
        self.num_whole += len(found)
        self.assertEqual(told, [], f"half-written after a kill at {seconds:.4f} s")
        return True

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
        self.num_whole = 0
        while hit < KILLS:
            tries += 1
            self.assertLess(tries, 4 * KILLS + 10, "it ends before it can be hit")
            folder = f"killed{tries}"
            if not self.kill_after(moments.uniform(0, took), folder, words, whole):
                continue
            hit += 1
            if moments.random() < 0.3:  # some are hit again, while they continue
                second += self.kill_after(moments.uniform(0, took), folder, words, whole)
            found = self.finish(folder, words)
            stray = [name for name in found if name not in whole]
            self.assertEqual([name for name in stray if not (leftovers and name.endswith(".tmp"))], [], f"kill {hit}")
            for name, data in whole.items():
                self.assertEqual(found.get(name), data, f"kill {hit}: {name} differs from an undisturbed run's")
        print(f"{words[0]}: an undisturbed run takes {took:.2f} s; killed {hit} times, {second} of them twice; "
              f"{self.num_whole} files whole at these moments; {len(whole)} alike at the end")
        write_log(command=words[0], undisturbed_s=round(took, 3), kills=hit, second_kills=second, files=len(whole))

    def test_sweep(self):
        self.check(["sweep", *TEXT, "--windows", 12, "--table", self.table, "--configurations",
                    self.write("list.json", LIST), "-o", "out"])

    def test_tune(self):
        self.check(["tune", *TEXT, "--windows", 12, "--fit", 4, "--sensitivity", 1, "--screen", 2, "--second", 2, "--final", 4,
                    "--rules", "bh,critical,min_p", "--weights", "mass", "--budget", 3, "-o", "p.json"], leftovers="beside the policy")

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
