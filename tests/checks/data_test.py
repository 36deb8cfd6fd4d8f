"""The texts and tasks are those that data/README.md names, by size and SHA-256.  data_test.py"""

import hashlib
import pathlib
import re
import unittest

DATA = pathlib.Path(__file__).resolve().parents[2] / "data"
ROW = re.compile(r"^\| `([^`]+)` \|.*\| ([\d,]+) \| `([0-9a-f]{64})` \|$", re.MULTILINE)


class Data(unittest.TestCase):
    def test_each_is_what_its_row_says(self):
        rows = ROW.findall((DATA / "README.md").read_text(encoding="utf-8"))
        self.assertGreaterEqual(len(rows), 2)
        for name, size, digest in rows:
            content = (DATA / name).read_bytes()
            self.assertEqual((f"{len(content):,}", hashlib.sha256(content).hexdigest()), (size, digest), name)


if __name__ == "__main__":
    unittest.main()
