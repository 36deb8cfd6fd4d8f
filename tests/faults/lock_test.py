"""Two runs in one folder: the second is refused by the name of the first; a crash locks nothing."""

import os
import signal

import scenario
import support

LIST = '{"configurations": [{"name": "own", "role": "baseline", "policy": "top_k:k=8"}]}'


class Lock(scenario.FaultCase):
    def check(self, folder, words):
        first = self.start(*words)
        self.wait_for(lambda: os.path.exists(self.path(folder, ".lock")), first)
        refused = self.fails(1, *words, says=[f"{folder}: another run works in this folder, got process {first.pid} on ", " since 20",
                                              f": bhroute {words[0]} ", "want one at a time"])
        self.assertEqual(refused.out, "")
        self.assertIsNone(first.poll(), "the first was to run on")
        first.send_signal(signal.SIGKILL)
        first.wait()
        self.assertTrue(os.path.exists(self.path(folder, ".lock")), "a killed run cannot remove its file")
        again = self.start(*words)  # takes the lock that nobody holds
        self.wait_for(lambda: f"process {again.pid} on" in self.lock_text(folder), again)
        again.send_signal(signal.SIGTERM)
        again.communicate()
        self.assertEqual(again.returncode, 143)
        self.assertFalse(os.path.exists(self.path(folder, ".lock")))

    def lock_text(self, folder):
        with open(self.path(folder, ".lock"), encoding="utf-8") as file:
            return file.read()

    def test_sweep(self):
        self.check("out", ["sweep", "-m", scenario.LONG, "-f", support.PERSUASION, "-c", 256, "-t", 1, "--configurations",
                           self.write("list.json", LIST), "-o", "out"])

    def test_quickstart(self):
        self.check("out", ["quickstart", "-m", scenario.LONG, "-f", support.PERSUASION, "-c", 128, "-b", 128, "-t", 1, "--effort", "quick", "-o", "out"])

    def test_tune(self):
        self.check("p.work", ["tune", "-m", scenario.LONG, "-f", support.PERSUASION, "-c", 256, "-t", 1, "--budget", 5, "-o", "p.json"])


if __name__ == "__main__":
    scenario.main()
