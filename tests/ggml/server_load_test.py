"""llama-server under load with the plugin: 8 clients, 200 requests, a policy that changes ten times meanwhile."""

import concurrent.futures
import json
import pathlib
import tempfile
import threading
import time
import unittest

import programs_test

CLIENTS, REQUESTS, CHANGES = 8, 200, 10
POLICIES = [{"rule": "top_k", "k": k} for k in (8, 1, 12, 4, 64, 2)]


class ServerLoadTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.policy = pathlib.Path(folder.name, "policy.json")
        self.statistics = pathlib.Path(folder.name, "line.txt")

    def write_policy(self, policy):
        partial = self.policy.with_suffix(".partial")
        partial.write_text(json.dumps(policy), encoding="utf-8")
        partial.rename(self.policy)

    def change_policies(self, answered, stop):
        """One change for each eleventh of the requests, so that all fall within the run."""
        for change in range(1, CHANGES + 1):
            while len(answered) < change * REQUESTS // (CHANGES + 1) and not stop.is_set():
                time.sleep(0.01)
            self.write_policy(POLICIES[change % len(POLICIES)])
            time.sleep(0.25)  # it is looked at every 100 ms, and read when it stands still

    def test_no_request_fails(self):
        self.write_policy(POLICIES[0])
        answered, stop = [], threading.Event()
        words = [programs_test.BHROUTE, "exec", "--policy", self.policy, "--stats", self.statistics, "--"]
        with programs_test.Server(words, slots=CLIENTS) as server:
            changer = threading.Thread(target=self.change_policies, args=(answered, stop))
            changer.start()
            with concurrent.futures.ThreadPoolExecutor(CLIENTS) as clients:
                for i in range(REQUESTS):
                    clients.submit(lambda i=i: answered.append(server.complete(f"Request {i}: she was only Anne", 24)))
            stop.set()
            changer.join()
            self.assertEqual(len(answered), REQUESTS, "some requests failed")
            self.assertIsNone(server.process.poll(), "the server is gone")
            self.assertIn("16 layers fused", self.statistics.read_text())
        self.assertEqual(server.process.returncode, 0, server.output[-2000:])
        self.assertGreaterEqual(server.output.count("(changed)"), CHANGES - 1, "changes were not read")


if __name__ == "__main__":
    unittest.main()
