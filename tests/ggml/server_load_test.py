"""llama-server under load with the plugin: 8 clients, 200 requests, a policy that changes ten times meanwhile.
Before and after, the same process replies to prompts one at a time, as stock does under the model's own count."""

import concurrent.futures
import json
import pathlib
import re
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

    def replies_with(self, server, k):
        self.write_policy({"rule": "top_k", "k": k})
        time.sleep(0.25)  # no request meanwhile: the first one after follows it from its first token
        replies = [server.complete(prompt) for prompt in programs_test.PROMPTS]
        self.assertEqual(re.findall(r"bhroute: policy ([^,\n]*)", server.text())[-1], f"top_k:k={k}", "the policy in force")
        return replies

    def test_no_request_fails_and_replies_are_the_same_afterwards(self):
        with programs_test.Server([]) as stock:
            expected = [stock.complete(prompt) for prompt in programs_test.PROMPTS]
        self.write_policy(POLICIES[0])
        answered, stop = [], threading.Event()
        words = [programs_test.BHROUTE, "exec", "--policy", self.policy, "--stats", self.statistics, "--"]
        with programs_test.Server(words, slots=CLIENTS) as server:
            own, half = self.replies_with(server, 8), self.replies_with(server, 4)
            self.assertEqual(own, expected)
            self.assertNotEqual(half, expected)
            read_before = server.text().count("(changed)")
            changer = threading.Thread(target=self.change_policies, args=(answered, stop))
            changer.start()
            with concurrent.futures.ThreadPoolExecutor(CLIENTS) as clients:
                for i in range(REQUESTS):
                    clients.submit(lambda i=i: answered.append(server.complete(f"Request {i}: she was only Anne", 24)))
            stop.set()
            changer.join()
            self.assertEqual(len(answered), REQUESTS, "some requests failed")
            self.assertIsNone(server.process.poll(), "the server is gone")
            self.assertGreaterEqual(server.text().count("(changed)") - read_before, CHANGES - 1, "changes were not read")
            self.assertEqual([self.replies_with(server, 8), self.replies_with(server, 4)], [own, half], "other replies than before the load")
            self.assertIn("16 layers fused", self.statistics.read_text())
        self.assertEqual(server.process.returncode, 0, server.output[-2000:])


if __name__ == "__main__":
    unittest.main()
