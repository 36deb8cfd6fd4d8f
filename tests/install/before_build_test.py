"""`cmake --install` of a tree that is configured and not built: told in one line what to do, and nothing is installed."""

import os
import pathlib
import subprocess
import tempfile
import unittest

SOURCE = os.environ["BHROUTE_SOURCE_DIR"]
CMAKE = os.environ["BHROUTE_CMAKE"]


class BeforeBuildTest(unittest.TestCase):
    def test_says_what_to_do(self):
        with tempfile.TemporaryDirectory() as folder:
            build, prefix = pathlib.Path(folder, "build"), pathlib.Path(folder, "prefix")
            subprocess.run([CMAKE, "-S", SOURCE, "-B", build, "-DCMAKE_BUILD_TYPE=Release", "-DBHROUTE_LLAMA=OFF", "-DBHROUTE_TESTS=OFF",
                            "-DBHROUTE_BENCHMARKS=OFF", f"-DBHROUTE_PLOTLY_JS={os.environ['BHROUTE_PLOTLY_JS']}"], capture_output=True, check=True)
            done = subprocess.run([CMAKE, "--install", build, "--prefix", prefix], capture_output=True, text=True, check=False)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("bhroute is not built: run `make build` first\n", done.stderr)
            self.assertFalse(prefix.exists())


if __name__ == "__main__":
    unittest.main()
