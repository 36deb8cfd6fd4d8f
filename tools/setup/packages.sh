#!/usr/bin/env bash
# Installs the Debian packages that are missing. Without root it names them and the command that would.
#   tools/setup/packages.sh [--with-browser] [--with-shells] [--with-fuzzer] [--with-chroot]
# The browser draws the report in its tests; the shells complete, groff sets the man page and curl asks a server in theirs; clang fuzzes; the
# chroot tries the Debian package.
set -euo pipefail

packages=(
  g++ cmake ninja-build pkg-config
  libhwy-dev nlohmann-json3-dev libcli11-dev libfmt-dev libexpected-dev libssl-dev
  libgtest-dev libgmock-dev librapidcheck-dev libbenchmark-dev
  python3 python3-dev python3-venv python3-pip ca-certificates
)
for argument in "$@"; do
  case $argument in
    --with-browser) packages+=(chromium) ;;
    --with-shells) packages+=(zsh fish groff curl) ;;
    --with-fuzzer) packages+=(clang libclang-rt-14-dev) ;;
    --with-chroot) packages+=(debootstrap) ;;
    *) echo "packages: unknown argument, got $argument, want --with-browser, -shells, -fuzzer or -chroot" >&2; exit 2 ;;
  esac
done

say() { printf 'packages: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

find_missing() {
  missing=()
  local package
  for package in "${packages[@]}"; do
    installed "$package" || missing+=("$package")
  done
}

tell_command() {
  local command="apt-get update && apt-get install -y --no-install-recommends ${missing[*]}"
  say "not installed: ${missing[*]}"
  say "nothing was installed, since that takes root. This command installs them:"
  if command -v sudo > /dev/null; then
    say "  sudo sh -c '$command'"
  else  # a login shell: plain su keeps the user's PATH, and dpkg refuses one without sbin
    say "  su -l -c '$command'"
  fi
  exit 1
}

# apt stops at the first package it does not know; all of them are named here.
refuse_unknown() {
  local unknown=() package
  for package in "${missing[@]}"; do
    apt-cache show "$package" > /dev/null 2>&1 || unknown+=("$package")
  done
  [ ${#unknown[@]} -eq 0 ] || die "apt does not know: ${unknown[*]} (want Debian 12's package sources)"
}

install_missing() {
  say "installing: ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -q >&2 || say "apt-get update failed, going on with the package lists that are here"
  refuse_unknown
  apt-get -o DPkg::Lock::Timeout=600 install -y -q --no-install-recommends "${missing[@]}" >&2 || true
  find_missing
  [ ${#missing[@]} -eq 0 ] || die "apt could not install: ${missing[*]}"
}

if ! command -v dpkg-query > /dev/null; then
  say "this is not Debian, so nothing is checked or installed; needed are the equivalents of: ${packages[*]}"
  exit 0
fi
find_missing
[ ${#missing[@]} -gt 0 ] || exit 0
[ "$(id -u)" -eq 0 ] || tell_command
install_missing
