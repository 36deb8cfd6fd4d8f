#!/usr/bin/env bash
# The set-up scripts against stand-ins for the programs they call: nothing is installed, nothing is fetched.
#   setup_test.sh PROJECT_ROOT
# shellcheck disable=SC2016  # the bodies of the stand-ins expand when they run

set -uo pipefail
root=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
passed=0
failed=0

check() {  # check WHAT CONDITION...
  local what=$1
  shift
  if "$@"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf 'FAILED: %s\n--- rc=%s\n%s\n---\n' "$what" "$rc" "$output"
  fi
}
run() { output=$("$@" 2>&1 < /dev/null) && rc=0 || rc=$?; }
said() { [[ $output == *"$1"* ]]; }
silent() { [ -z "$output" ]; }
ended() { [ "$rc" -eq "$1" ]; }
called() { grep -q -- "$1" "$scratch/calls" 2> /dev/null; }
not() { ! "$@"; }
stand_in() {  # stand_in NAME: a program of that name, its body from stdin
  { printf '#!/usr/bin/env bash\necho "%s $*" >> "%s/calls"\n' "$1" "$scratch"; cat; } > "$scratch/bin/$1"
  chmod +x "$scratch/bin/$1"
}
fresh() {
  rm -rf "${scratch:?}"/{bin,calls,tree,cache,installed,archive}
  mkdir -p "$scratch/bin" "$scratch/tree" "$scratch/cache"
}

# --- packages.sh: dpkg says that what $scratch/installed lists is installed (the lines are patterns).
debian() {  # debian UID
  fresh
  stand_in id <<< "echo $1"
  stand_in dpkg-query <<< "grep -qxF -- \"\${!#}\" $scratch/installed 2> /dev/null && echo -n installed"
  stand_in apt-cache <<< '[ "$2" != librapidcheck-dev ] || [ -z "${NO_RAPIDCHECK:-}" ]'
  stand_in apt-get <<< "
    [ \"\$1\" = update ] && exit 0
    for package in \"\$@\"; do [ \"\$package\" = \"\${NOT_INSTALLABLE:-}\" ] || echo \"\$package\" >> $scratch/installed; done
    [ -z \"\${NOT_INSTALLABLE:-}\" ]"
  stand_in sudo <<< 'exit 99'
}
packages() { run env PATH="$scratch/bin:$PATH" "$@" "$root/tools/setup/packages.sh"; }
all_but() {
  local package
  for package in g++ cmake ninja-build pkg-config libhwy-dev nlohmann-json3-dev libcli11-dev libfmt-dev \
      libexpected-dev libssl-dev libgtest-dev libgmock-dev librapidcheck-dev libbenchmark-dev python3 \
      python3-dev python3-venv python3-pip ca-certificates; do
    [[ " $* " == *" $package "* ]] || echo "$package" >> "$scratch/installed"
  done
}

debian 1000; all_but nothing; packages
check "all installed: nothing to do" ended 0
check "all installed: nothing said" silent
check "all installed: apt not called" not called apt-get

debian 1000; all_but libfmt-dev g++; packages
check "without root: exit code 1" ended 1
check "without root: the missing are named" said "not installed: g++ libfmt-dev"
check "without root: the one command" said "sudo sh -c 'apt-get update && apt-get install -y --no-install-recommends g++ libfmt-dev'"
check "without root: nothing is installed" not called apt-get

# Without sudo: a PATH that holds the stand-ins and what they call, and nothing else.
debian 1000; all_but g++; rm "$scratch/bin/sudo"; ln -s "$(command -v bash)" "$(command -v grep)" "$scratch/bin/"
run env PATH="$scratch/bin" "$root/tools/setup/packages.sh"
check "without root and sudo: a login shell, whose PATH has sbin" said \
  "su -l -c 'apt-get update && apt-get install -y --no-install-recommends g++'"

debian 0; all_but libfmt-dev; packages
check "as root: exit code 0" ended 0
check "as root: the missing one is installed" called "apt-get .*install .*libfmt-dev"
check "as root: what is there is left alone" not called "apt-get .*install .*cmake"
packages
check "as root, again: nothing to do" silent

debian 0; all_but libfmt-dev librapidcheck-dev; packages NO_RAPIDCHECK=1
check "unknown to apt: exit code 1" ended 1
check "unknown to apt: it is named" said "apt does not know: librapidcheck-dev"
check "unknown to apt: nothing is installed" not called "apt-get .*install"

debian 0; all_but libfmt-dev cmake; packages NOT_INSTALLABLE=cmake
check "apt fails: exit code 1" ended 1
check "apt fails: the package is named" said "apt could not install: cmake"

debian 1000; all_but nothing; run env PATH="$scratch/bin:$PATH" "$root/tools/setup/packages.sh" --with-browser
check "the browser is asked for only where it is wanted" said "not installed: chromium"
debian 1000; all_but nothing; run env PATH="$scratch/bin:$PATH" "$root/tools/setup/packages.sh" --with-shells
check "shells are asked for only where they are wanted" said "not installed: zsh fish groff curl"
debian 1000; all_but nothing; run env PATH="$scratch/bin:$PATH" "$root/tools/setup/packages.sh" --with-fuzzer
check "clang is asked for only to fuzz" said "not installed: clang libclang-rt-14-dev"
run "$root/tools/setup/packages.sh" --browser
check "unknown argument: exit code 2" ended 2

# --- venv.sh: a project whose requirements are empty needs no network.
fresh
mkdir -p "$scratch/tree/tools/setup"
cp "$root/tools/setup/venv.sh" "$scratch/tree/tools/setup/"
echo "# none" > "$scratch/tree/tools/requirements.txt"
venv() { run env -u BHROUTE_VENV PIP_NO_INDEX=1 "$scratch/tree/tools/setup/venv.sh"; }
venv
check "venv: made" test -x "$scratch/tree/.venv/bin/python"
check "venv: its Python is the last line" test "${output##*$'\n'}" = "$scratch/tree/.venv/bin/python"
venv
check "venv: a second run only prints it" test "$output" = "$scratch/tree/.venv/bin/python"
echo "no-such-package-at-all==1" >> "$scratch/tree/tools/requirements.txt"
venv
check "venv: a package that cannot be had: exit code 1" ended 1
check "venv: a package that cannot be had is named" said "no-such-package-at-all"
check "venv: and it is not taken for finished" test ! -e "$scratch/tree/.venv/.made-from"

# --- llama_cpp.sh: a pin of its own, whose archive the stand-in for pip hands out.
engine() {
  fresh
  mkdir -p "$scratch/archive/x-1/vendor/llama.cpp/"{include,ggml/include,ggml/src} "$scratch/tree/setup"
  touch "$scratch/archive/x-1/vendor/llama.cpp/"{LICENSE,include/llama.h,ggml/include/ggml.h,ggml/src/ggml-backend-impl.h,ggml/src/ggml-impl.h}
  tar -czf "$scratch/x-1.tar.gz" -C "$scratch/archive" x-1
  cp "$root/tools/setup/llama_cpp.sh" "$scratch/tree/setup/"
  printf 'LLAMA_PACKAGE=x\nLLAMA_VERSION=1\nLLAMA_SHA256=%s\nLLAMA_TARGETS="llama"\nLLAMA_FLAGS="-DX=1"\n' \
    "$(sha256sum < "$scratch/x-1.tar.gz" | cut -d' ' -f1)" > "$scratch/tree/setup/llama_cpp.pin"
  stand_in pip-python <<< "[ -z \"\${OFFLINE:-}\" ] && cp ${1:-$scratch/x-1.tar.gz} \"\${!#}/x-1.tar.gz\""
  stand_in cmake <<< '
    [ "$1" = -S ] && { mkdir -p "$4/bin"; touch "$4/bin/libllama.so"; echo > "$4/bin/llama-bench"; chmod +x "$4/bin/llama-bench"; }
    exit 0'
}
llama() {
  run env PATH="$scratch/bin:$PATH" XDG_CACHE_HOME="$scratch/cache" BHROUTE_PYTHON=pip-python "$@" \
    "$scratch/tree/setup/llama_cpp.sh"
}
engine; llama
prefix=${output##*$'\n'}
check "engine: built" ended 0
check "engine: whole" test -f "$prefix/VERSION" -a -f "$prefix/lib/libllama.so" -a -x "$prefix/bin/llama-bench" -a -f "$prefix/include/llama.h"
check "engine: in the cache, named after its version" test "${prefix#"$scratch/cache/bhroute/llama.cpp-1-"}" != "$prefix"
rm "$scratch/calls"; llama
check "engine: a second run reuses it" test "$output" = "$prefix"
check "engine: without fetching" not called pip-python
echo 'LLAMA_FLAGS="-DX=2"' >> "$scratch/tree/setup/llama_cpp.pin"; llama
check "engine: other flags, another folder" test "${output##*$'\n'}" != "$prefix"
engine; llama BHROUTE_LLAMA_FLAGS="-DGGML_BACKEND_DL=ON"
check "engine: flags from outside, another folder" test "${output##*$'\n'}" != "$prefix"
check "engine: flags from outside come last" called "cmake -S .* -DX=1 -DGGML_BACKEND_DL=ON "
check "engine: a backend that is a file stands beside the programs" test -L "${output##*$'\n'}/bin/libggml-cpu.so"
engine; echo "flags : avx2" > "$scratch/cpuinfo"; llama BHROUTE_CPUINFO="$scratch/cpuinfo"
check "engine: no flag where the CPU shows no AMX" not called "-mno-amx"
engine; echo "flags : avx2 amx_tile" > "$scratch/cpuinfo"; llama BHROUTE_CPUINFO="$scratch/cpuinfo"
check "engine: AMX is left out whole" called "CMAKE_CXX_FLAGS=-w -mno-amx-tile -mno-amx-int8 -mno-amx-bf16"

engine; llama OFFLINE=1
check "engine, offline: exit code 1" ended 1
check "engine, offline: said" said "cannot fetch x 1"
check "engine, offline: nothing left behind" test -z "$(find "$scratch/cache" -name 'llama.cpp-*')"
echo other > "$scratch/other"
engine "$scratch/other"; llama
check "engine, wrong archive: exit code 1" ended 1
check "engine, wrong archive: said" said "the archive is damaged"

# --- demo.sh: tables that are newer than the model and the text are not made again.
fresh
mkdir -p "$scratch/tree/"{tools,build/release/bin,models/olmoe-nano,data}
cp "$root/tools/demo.sh" "$scratch/tree/tools/"
touch "$scratch/tree/models/olmoe-nano/olmoe-nano-q8_0.gguf" "$scratch/tree/data/"{northanger,persuasion}.txt
stand_in bhroute <<< '[ "$1" = calibrate ] && touch out/demo/all.safetensors out/demo/unselected.safetensors; exit 0'
cp "$scratch/bin/bhroute" "$scratch/tree/build/release/bin/"
stand_in python3 <<< 'exit 0'
demo() { sleep 0.05; run env PATH="$scratch/bin:$PATH" "$scratch/tree/tools/demo.sh"; }
demo
check "demo: all six steps" test "$(sed -n 's/^bhroute \([a-z]*\) .*/\1/p' "$scratch/calls" | tr '\n' ' ')" = "calibrate predict check sweep sweep report "
check "demo: tells where the report lies" said "out/demo/report.html"
rm "$scratch/calls"; demo
check "demo, again: the tables are reused" not called "bhroute calibrate"
check "demo, again: the sweep goes on" called "bhroute sweep"
sleep 0.05; touch "$scratch/tree/data/northanger.txt"; demo
check "demo: a newer text is calibrated on again" called "bhroute calibrate"

# --- CI calls make test.
fresh
stand_in make <<< 'exit 7'
run env PATH="$scratch/bin:$PATH" "$root/.ci/run"
check "CI: make test" called '^make test$'
check "CI: its exit code" ended 7

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
