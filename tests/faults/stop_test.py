"""SIGINT and SIGTERM: soon, nothing half-written, a line that says how to continue."""

import contextlib
import os
import pathlib
import re
import signal
import time
import unittest

import scenario
import support

PROMPT = 1.0  # seconds, less those in which the machine ran others while the command was ready to run
# Steps of the engine of seconds: only what stops in the middle of one is in time.
TEXT = ["-m", scenario.LONG, "-f", support.PERSUASION, "-c", 256, "-t", 1, "-b", 16384]


def waited_for_a_core(pid):
    """Seconds that the main thread was ready and did not run; 0 where the kernel does not count them."""
    try:
        return int(pathlib.Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[1]) * 1e-9
    except OSError:
        return 0.0


class Stop(scenario.FaultCase):
    @classmethod
    def setUpClass(cls):
        maker = cls.maker_of_shared_files()
        cls.table = os.path.join(cls.shared, "t.safetensors")
        maker.ok("calibrate", "-m", scenario.LONG, "-f", support.NORTHANGER, "-c", 64, "--windows", 1, "-t", 1, "--quiet",
                 "--reservoir", 64, "-o", cls.table)

    def ends(self, process, number):
        """Sends it `number`; stderr, and the seconds to its end that are its own."""
        self.assertIsNone(process.poll(), "it ended before it could be hit")
        before, sent = waited_for_a_core(process.pid), time.monotonic()
        process.send_signal(number)
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # its counts stay until it is waited for
        took = time.monotonic() - sent
        others = waited_for_a_core(process.pid) - before
        _, err = process.communicate(timeout=30)
        print(f"{process.args[1]}: {signal.Signals(number).name} to end {took:.3f} s, {others:.3f} s of them without a core")
        return err, took - others

    def stop(self, number, *words, after=1.5, until=None):
        """Hits the command with `number`; its last line."""
        process = self.start(*words)
        if until:
            self.wait_for(until, process)
        else:
            time.sleep(after)
        err, took = self.ends(process, number)
        self.assertEqual(process.returncode, scenario.SIGNALS[number], err)
        self.assertLess(took, PROMPT)
        self.assertEqual([name for name in self.files() if name.endswith(".tmp")], [])
        return err.splitlines()[-1]

    def test_commands_that_begin_anew(self):
        for number in scenario.SIGNALS:
            for words in (["calibrate", *TEXT, "-o", "new.safetensors"], ["check", self.table, *TEXT, "-o", "check.json"],
                          ["predict", self.table, *TEXT, "--policy", "bh:alpha=0.2,max_k=8"],
                          ["evaluate", *TEXT, "--policy", "top_k:k=4", "--summary", "summary.json", "--routing-log", "log.jsonl"]):
                with self.subTest(command=words[0], signal=number):
                    line = self.stop(number, *words)
                    name = signal.Signals(number).name
                    self.assertIn(f"bhroute: stopped by {name}; nothing was written, the same command begins anew: bhroute {words[0]} ",
                                  line)
                    self.assertEqual(self.files(), {})

    def test_another_program_ends_by_the_signal(self):
        for number in scenario.SIGNALS:
            process = self.start("exec", "--policy", "top_k:k=4", "--", "sleep", 60, **support.HOST_VARIABLES)
            time.sleep(1.0)
            _, took = self.ends(process, number)
            self.assertEqual(process.returncode, -number)
            self.assertLess(took, PROMPT)

    def test_every_command_that_stops_is_here(self):
        declared = pathlib.Path(support.SOURCE, "apps/bhroute/commands.cpp").read_text(encoding="utf-8")
        stops = set(re.findall(r"declare_(\w+), OnStop::(?:continues|begins_anew|cuts_text)", declared))
        self.assertEqual(stops, {"quickstart", "sweep", "tune", "calibrate", "check", "evaluate", "predict", "run"})

    def test_a_text_that_is_written_ends_there(self):
        for number in scenario.SIGNALS:
            line = self.stop(number, "run", "-m", scenario.LONG, "-p", "It was a fine day, and", "-n", 1900, "-t", 1, after=1.0)
            name = signal.Signals(number).name
            self.assertIn(f"bhroute: stopped by {name}; the text ends there, the same command begins anew: bhroute run ", line)

    def test_dumped_logits(self):
        dump = os.path.join(self.shared, "layer.npy")
        with open(dump, "wb") as file:
            file.write(support.npy([40_000, 64], support.planted_logits(400, 64, 1) * 100))
        os.mkdir(self.path("dumps"))
        for layer in range(200):
            os.symlink(dump, self.path("dumps", f"layer_{layer}.npy"))
        self.stop(signal.SIGINT, "calibrate", "--logits", "dumps", "-o", "new.safetensors", after=0.5)
        self.assertFalse(os.path.exists(self.path("new.safetensors")))

    def test_while_the_model_loads_and_hashes(self):
        for wait in (0.0, 0.02, 0.05, 0.1):
            process = self.start("calibrate", *TEXT, "-o", "new.safetensors")
            time.sleep(0.02 + wait)  # the handlers are there once main runs
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=30)
            self.assertIn(process.returncode, (130, -signal.SIGINT))
            self.assertEqual(self.files(), {})

    def test_a_pipe_that_nobody_writes_to(self):
        os.mkfifo(self.path("pipe"))
        for signal, code in scenario.SIGNALS.items():
            process = self.start("evaluate", "-m", scenario.TINY, "-f", "pipe", "--policy", "top_k:k=2", "--quiet")
            self.wait_for(lambda: os.path.exists(f"/proc/{process.pid}/fd") and any(
                name == self.path("pipe") for name in self.links(process.pid)), process)
            process.send_signal(signal)
            process.communicate(timeout=5)
            self.assertEqual(process.returncode, code)

    def links(self, process):
        """Its open files that are named."""
        folder = f"/proc/{process}/fd"
        names = []
        for name in os.listdir(folder):
            with contextlib.suppress(OSError):  # closed meanwhile
                names.append(os.readlink(os.path.join(folder, name)))
        return names

    def test_a_sweep_continues(self):
        lists = self.write("list.json", '{"configurations": [%s]}' % ", ".join(
            '{"name": "top-%d", "role": "%s", "policy": "top_k:k=%d"}' % (k, "baseline" if k == 8 else "reference", k)
            for k in (8, 4, 3, 2)))
        words = ["sweep", *TEXT[:4], "-c", 64, "--windows", 24, "-t", 1, "--configurations", lists, "-o", "out"]
        line = self.stop(signal.SIGTERM, *words, until=lambda: os.path.exists(self.path("out", "runs", "top-4.json")))
        self.assertIn("bhroute: stopped by SIGTERM; what is finished is kept, the same command continues: bhroute sweep", line)
        again = self.ok(*words)
        self.assertRegex(again.out, r"4 configurations finished, [23] of them reused")

    def test_a_tuning_continues(self):
        words = ["tune", *TEXT[:4], "-c", 32, "--windows", 12, "-t", 1, "--fit", 4, "--sensitivity", 0, "--screen", 2, "--second", 2,
                 "--final", 4, "--rules", "critical,min_p", "--weights", "mass", "--budget", 5, "-o", "p.json"]
        runs = self.path("p.work", "runs")
        line = self.stop(signal.SIGINT, *words, until=lambda: os.path.isdir(runs) and len(os.listdir(runs)) > 6)
        self.assertIn("the same command continues: bhroute tune", line)
        self.assertRegex(self.ok(*words).out, r"\d+ windows run, [1-9]\d* reused")

    def test_a_quickstart_continues(self):
        words = ["quickstart", *TEXT[:4], "-t", 1, "-o", "out"]
        line = self.stop(signal.SIGINT, *words, until=lambda: os.path.isdir(self.path("out")))
        self.assertIn("the same command continues: bhroute quickstart", line)

    def test_the_second_signal_ends_at_once(self):
        process = self.start("calibrate", *TEXT, "-o", "new.safetensors")
        time.sleep(1.0)
        process.send_signal(signal.SIGSTOP)  # so that both signals are there when it wakes
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGCONT)
        process.communicate(timeout=30)
        self.assertIn(process.returncode, (130, 143))


if __name__ == "__main__":
    scenario.main()
