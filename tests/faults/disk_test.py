"""A full disk, a folder that cannot be written to, a folder that goes away: one clear line, nothing half-written."""

import json
import os
import shutil
import subprocess

import scenario
import support

TEXT = ["-m", scenario.TINY, "-f", support.PERSUASION, "-c", 64, "-b", 64, "-t", 1]
LIST = '{"configurations": [{"name": "own", "role": "baseline", "policy": "top_k:k=4"}, {"name": "two", "role": "reference", "policy": "top_k:k=2"}]}'


class Disk(scenario.FaultCase):
    def mount(self, options):
        """A tmpfs of its own on self.path("disk")."""
        os.mkdir(self.path("disk"))
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", self.path("disk")], capture_output=True, text=True,
                              check=False)
        if done.returncode != 0:
            self.skipTest(f"may not mount: {done.stderr.strip()}")
        self.addCleanup(subprocess.run, ["umount", "-l", self.path("disk")], check=True)

    def remount(self, options):
        subprocess.run(["mount", "-o", f"remount,{options}", self.path("disk")], check=True)

    def sweep(self, *more, folder="disk/out"):
        return ["sweep", *TEXT, "--windows", 8, "--configurations", self.write("list.json", LIST), "-o", folder, *more]

    def calibrate(self):
        return ["calibrate", *TEXT, "--windows", 30, "-o", "disk/t.safetensors"]

    def test_a_full_disk(self):
        self.mount("size=64k")
        self.fails(1, *self.calibrate(), says=["disk/t.safetensors: cannot write: No space left on device"])
        self.assertEqual(self.files("disk"), {})
        self.fails(1, *self.sweep(), says=["too little disk space for the own routing's logits", "bytes free", "want "])
        self.assertEqual(self.files("disk"), {})

    def test_a_disk_that_fills_up_on_the_way_and_is_emptied(self):
        self.mount("size=8m")
        whole = self.ok(*self.sweep(folder="whole"))
        stopped_at = set()
        # KiB. The own routing's logits of 8 windows take 260, all else 40: the last of these are enough.
        for free in (64, *range(256, 340, 8)):
            with open(self.path("disk", "ballast"), "wb") as file:
                file.write(b"x" * (8 * 1024 - free) * 1024)
            outcome = self.bhroute(*self.sweep())
            self.assertIn(outcome.code, (0, 1), outcome.err)
            if outcome.code == 1:
                last = outcome.err.splitlines()[-1]
                self.assertRegex(last, "cannot write: No space left on device|too little disk space")
                stopped_at.add(last.split(":")[1])
            self.assertEqual([name for name in self.files("disk") if name.endswith(".tmp")], [])
            for name, data in self.files("disk", "out").items():
                self.assertTrue(not name.endswith(".json") or json.loads(data), "a half-written file")
            os.remove(self.path("disk", "ballast"))
        self.assertGreater(len(stopped_at), 1, "the disk was to fill up at different files")
        self.assertEqual(outcome.code, 0)
        self.assertEqual(len(self.ok(*self.sweep()).out.splitlines()), len(whole.out.splitlines()))

    def test_a_folder_that_is_read_only(self):
        self.mount("size=8m")
        os.mkdir(self.path("disk", "out"))
        self.remount("ro")
        self.fails(2, *self.calibrate(), says=["--output: the folder cannot be written to (Read-only file system)", "got disk"])
        self.fails(2, *self.sweep(), says=["--output", "Read-only file system", "disk/out"])
        self.fails(2, "tune", *TEXT, "--windows", 12, "--budget", 3, "-o", "p.json", "--work", "disk/out",
                   says=["--work", "Read-only file system", "disk/out"])
        self.remount("rw")
        self.assertEqual(self.files("disk"), {})

    def test_a_folder_removed_half_way(self):
        words = ["sweep", *TEXT[:4], "-c", 256, "-b", 256, "--windows", 200, "-t", 1, "--configurations", self.write("list.json", LIST), "-o", "out"]
        process = self.start(*words)
        self.wait_for(lambda: os.path.isdir(self.path("out")) and any(name.endswith(".tmp") for name in os.listdir(self.path("out"))), process)
        shutil.rmtree(self.path("out"))
        _, err = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 1, err)
        self.assertRegex(err.splitlines()[-1], r"^bhroute: out\S*: .*No such file or directory")
        self.assertFalse(os.path.exists(self.path("out")), "nothing is left in a folder that somebody removed")

    def test_a_table_whose_folder_goes_away(self):
        os.mkdir(self.path("gone"))
        process = self.start("calibrate", *TEXT, "--windows", 200, "-o", "gone/t.safetensors")
        self.wait_for(lambda: os.path.exists(f"/proc/{process.pid}/maps") and "olmoe.gguf" in read(f"/proc/{process.pid}/maps"), process)
        shutil.rmtree(self.path("gone"))
        _, err = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 1, err)
        self.assertIn("gone/t.safetensors: cannot write: No such file or directory", err.splitlines()[-1])


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


if __name__ == "__main__":
    scenario.main()
