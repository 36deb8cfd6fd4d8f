# Thin on purpose: every goal calls a short script, so the same steps run by hand, here and in CI.
#
##   make demo         set up, build, and run the main job on the shipped model: out/demo/report.html
##   make demo-tune    the long job: tune both shipped models anew, for the policies that the demo runs
##   make test         set up, build, and run the tests
##   make build        set up and build only
##                     (PRESET=dev takes another preset; so for test, bench and exhaustive)
##   make bench        run the benchmarks
##   make exhaustive   the long tests that `make test` leaves out
##   make asan         build with AddressSanitizer and UBSan and run the tests
##   make fuzz         fuzz the readers of files and the routing, SECONDS=60 each
##   make tsan         build engine and plugin with ThreadSanitizer and run the plugin's tests (the engine: about 7 minutes, once)
##   make load         llama-server with the plugin under CLIENTS=16 clients for MINUTES=30: out/load.json
##   make deb          the Debian package: out/bhroute_*.deb; make test-deb installs it into a clean chroot (as root)
##   make clean        remove build/ and out/; make distclean also removes .venv/
PRESET ?= release
JOBS ?= $(shell nproc)
SECONDS ?= 60
MINUTES ?= 30
CLIENTS ?= 16

.NOTPARALLEL:
.PHONY: help packages browser build demo demo-tune test bench exhaustive asan tsan fuzz load deb test-deb clean distclean
help:
	@sed -n 's/^## //p' Makefile

packages:
	@tools/setup/packages.sh

build: packages
	@tools/setup/configure.sh $(PRESET)
	@cmake --build --preset $(PRESET) -j $(JOBS) $(TARGETS)

# The demo needs the program alone: no reason to wait for the tests to compile.
demo: override PRESET = release
demo: TARGETS = --target bhroute
demo: build
	@tools/demo.sh

demo-tune: override PRESET = release
demo-tune: TARGETS = --target bhroute
demo-tune: build
	@tools/demo_tune.sh

# What only tests need comes first, so that a package that cannot be had is told before the build.
test: browser build
	@tools/test.sh $(PRESET) -LE 'exhaustive|deb'

browser:
	@tools/setup/packages.sh --with-browser --with-shells

exhaustive: build
	@BHROUTE_EXHAUSTIVE=1 tools/test.sh $(PRESET) -L exhaustive --verbose

asan: packages
	@tools/setup/configure.sh $@
	@cmake --build --preset $@ -j $(JOBS)
	@tools/test.sh $@ -LE 'exhaustive|slow|deb'

fuzz:
	@tools/setup/packages.sh --with-fuzzer
	@JOBS=$(JOBS) tools/fuzz.sh $(SECONDS)

tsan: packages
	@tools/tsan.sh $(JOBS)

load: override PRESET = release
load: TARGETS = --target bhroute ggml-bhroute
load: build
	@tools/load.sh $(MINUTES) $(CLIENTS)

bench: build
	@tools/bench.sh $(PRESET)

deb: packages
	@JOBS=$(JOBS) tools/deb/build.sh

test-deb: deb
	@tools/setup/packages.sh --with-chroot
	@tools/deb/test.sh

clean:
	rm -rf build out

distclean: clean
	rm -rf .venv
