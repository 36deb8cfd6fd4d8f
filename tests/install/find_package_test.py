"""A prefix filled by `cmake --install`, found by find_package and by pkg-config from projects that know nothing of the tree."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ["BHROUTE_SOURCE_DIR"])
BUILD = os.environ["BHROUTE_BUILD_DIR"]
CMAKE = os.environ["BHROUTE_CMAKE"]
EXPECTED = (SOURCE / "examples/route.expected").read_text()


def run(*command, **more):
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, **more)
    if done.returncode != 0:
        raise AssertionError(f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    return done.stdout


class FindPackageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        installed = pathlib.Path(cls.folder.name, "installed")
        run(CMAKE, "--install", BUILD, "--prefix", installed)
        cls.prefix = installed.rename(pathlib.Path(cls.folder.name, "moved"))  # nothing may remember where it was
        cls.library = next(cls.prefix.glob("lib*/**/libbhroute.so")).parent

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def temporary(self, name):
        path = pathlib.Path(self.folder.name, name)
        path.mkdir()
        return path

    def configure_and_build(self, source, build):
        run(CMAKE, "-S", source, "-B", build, f"-DCMAKE_PREFIX_PATH={self.prefix}", "-DCMAKE_BUILD_TYPE=Release")
        return run(CMAKE, "--build", build)

    def test_the_example_project_builds_and_both_languages_print_the_same(self):
        # A copy: what it finds must come from the prefix, not from beside it.
        examples = self.temporary("copy")
        for name in ("route.cpp", "c/route.c", "find_package/CMakeLists.txt"):
            (examples / name).parent.mkdir(exist_ok=True)
            shutil.copy(SOURCE / "examples" / name, examples / name)
        build = examples / "build"
        self.configure_and_build(examples / "find_package", build)
        self.assertEqual(run(build / "route_cpp"), EXPECTED)
        self.assertEqual(run(build / "route_c"), EXPECTED)

    def test_a_project_in_c_needs_no_more_than_the_library(self):
        project = self.temporary("c_alone")
        (project / "CMakeLists.txt").write_text(
            "cmake_minimum_required(VERSION 3.25)\nproject(c_alone LANGUAGES C)\n"
            "find_package(bhroute CONFIG REQUIRED COMPONENTS c)\nadd_executable(route route.c)\n"
            "target_link_libraries(route PRIVATE bhroute::c)\n")
        shutil.copy(SOURCE / "examples/c/route.c", project)
        self.configure_and_build(project, project / "build")
        self.assertEqual(run(project / "build/route"), EXPECTED)

    def test_pkg_config_gives_the_flags_of_the_c_library(self):
        environment = {**os.environ, "PKG_CONFIG_PATH": str(self.library / "pkgconfig")}
        flags = run("pkg-config", "--cflags", "--libs", "bhroute", env=environment).split()
        program = self.temporary("by_pkg_config") / "route"
        sanitize = [f"-fsanitize={os.environ['BHROUTE_SANITIZE']}"] if os.environ["BHROUTE_SANITIZE"] else []
        run("cc", "-std=c11", *sanitize, SOURCE / "examples/c/route.c", *flags, "-o", program)
        self.assertEqual(run(program, env={**os.environ, "LD_LIBRARY_PATH": str(self.library)}), EXPECTED)
        self.assertEqual(run("pkg-config", "--modversion", "bhroute", env=environment).strip(),
                         run("sed", "-n", r"s/^project(bhroute VERSION \([0-9.]*\).*/\1/p", SOURCE / "CMakeLists.txt").strip())

    def test_no_file_names_the_tree_it_was_built_in(self):
        for file in self.prefix.glob("lib*/**/*.cmake"):
            self.assertNotIn(str(SOURCE), file.read_text(), file)

    def test_another_minor_version_is_refused(self):
        project = self.temporary("newer")
        (project / "CMakeLists.txt").write_text("cmake_minimum_required(VERSION 3.25)\nproject(newer LANGUAGES C)\n"
                                                "find_package(bhroute 0.2 CONFIG REQUIRED COMPONENTS c)\n")
        with self.assertRaises(AssertionError) as refused:
            self.configure_and_build(project, project / "build")
        self.assertIn("bhrouteConfig.cmake, version: 0.1", str(refused.exception))


if __name__ == "__main__":
    if shutil.which("pkg-config") is None:
        print("no pkg-config")
        sys.exit(77)
    unittest.main()
