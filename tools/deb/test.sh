#!/usr/bin/env bash
# Installs the package into a clean Debian 12 and works with it there, as root:  tools/deb/test.sh [PACKAGE]
# PACKAGE: without it, the one that `make deb` left in out/.
# Exit code 77 = cannot be tried here, with the reason printed.
set -euo pipefail
cd "$(dirname "$0")/../.."
skip() { echo "skipped: $*"; exit 77; }
package=${1:-$(compgen -G 'out/bhroute_*.deb' || true)}
[ -n "$package" ] || skip "there is no package (make deb)"
package=$(realpath "$package")
[ "$(id -u)" -eq 0 ] || skip "a chroot takes root"
command -v debootstrap > /dev/null || skip "debootstrap is not installed (apt-get install debootstrap)"

# In a mount namespace of its own: what is mounted goes with it, however this ends.
if [ -z "${BHROUTE_DEB_NAMESPACE:-}" ]; then
  unshare --mount true 2> /dev/null || skip "this root may not mount"
  BHROUTE_DEB_NAMESPACE=1 exec unshare --mount "$PWD/tools/deb/test.sh" "$package"
fi

python=$(tools/setup/venv.sh)
work=$(mktemp -d)
trap 'umount "$work/debian/proc" 2> /dev/null || true; rm -rf --one-file-system "$work"' EXIT
debian=$work/debian
archives=${XDG_CACHE_HOME:-$HOME/.cache}/bhroute/debian-archives  # fetched once

say() { printf 'test-deb: %s\n' "$*" >&2; }
inside() { chroot "$debian" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"; }
apt_inside() { inside apt-get -q -y "$@" > "$work/apt.log" 2>&1 || { cat "$work/apt.log" >&2; exit 1; }; }
die() { say "FAILED: $*"; exit 1; }

# The mirror, proxy and limits are those that apt uses here.
make_debian() {
  local mirror proxy
  # shellcheck disable=SC2016  # apt's own word
  mirror=$(apt-get indextargets --format '$(SITE)' 'Codename: bookworm' 'Created-By: Packages' | head -n 1)
  [ -n "$mirror" ] || skip "apt knows no mirror of bookworm"
  proxy=$(apt-config dump Acquire::http::Proxy --format '%v')
  mkdir -p "$archives"
  http_proxy=${proxy:-${http_proxy:-}} debootstrap --variant=minbase --cache-dir="$archives" bookworm "$debian" "$mirror" > "$work/debootstrap.log" 2>&1 ||
    { tail -n 20 "$work/debootstrap.log" >&2; die "debootstrap"; }
  rm -f "$debian/etc/apt/sources.list"
  cp -r /etc/apt/sources.list* "$debian/etc/apt/"
  apt-config dump --no-empty Acquire > "$debian/etc/apt/apt.conf.d/90acquire"
  cp /etc/resolv.conf "$debian/etc/"
  mount -t proc proc "$debian/proc"
  apt_inside update
}

say "a clean Debian 12"
make_debian
cp "$package" "$debian/bhroute.deb"
cp examples/c/route.c examples/route.expected data/persuasion.txt "$debian/root/"
"$python" tools/models/make_random_model.py olmoe -o "$debian/root/tiny.gguf"

say "a CPU without AVX2 is refused"
printf 'flags\t: fpu sse2 fma f16c bmi2\n' > "$debian/tmp/old_cpu"
if grep -q '^flags' /proc/cpuinfo; then
  refusal=$(inside BHROUTE_CPUINFO=/tmp/old_cpu dpkg --force-depends -i /bhroute.deb 2>&1) && die "installed on a CPU without AVX2"
  [[ $refusal == *"got one without avx2"* ]] || die "$refusal"
  inside dpkg --purge bhroute > "$work/purge.log" 2>&1 || true
fi

say "apt installs the package and what it depends on"
apt_inside install --no-install-recommends /bhroute.deb
inside sh -e <<'WORK'
cd /root
version=$(bhroute --version)
echo "$version"
if ldd /usr/bin/bhroute /usr/lib/bhroute/*.so* /usr/lib/*/libbhroute.so.0 | grep 'not found'; then exit 1; fi
bhroute info
bhroute calibrate -m tiny.gguf -f persuasion.txt -c 64 --windows 4 --null unselected -o table.safetensors
bhroute evaluate -m tiny.gguf -f persuasion.txt -c 64 --windows 4 --table table.safetensors \
    --policy bh:alpha=0.3,max_k=4 --engine plugin --json > evaluated.json
grep -q '"perplexity": [0-9]' evaluated.json
grep '"mean_experts": [0-9]' evaluated.json
test -s /usr/share/doc/bhroute/copyright
zcat -f /usr/share/man/man1/bhroute.1* | grep -q calibrate
for file in bash-completion/completions/bhroute zsh/vendor-completions/_bhroute fish/vendor_completions.d/bhroute.fish; do
  grep -q calibrate "/usr/share/$file"
done
WORK

say "the example in C against the installed header"
apt_inside install --no-install-recommends gcc libc6-dev pkg-config
inside sh -e <<'WORK'
cd /root
cc -std=c11 -Wall -Wextra -Wpedantic -Werror route.c $(pkg-config --cflags --libs bhroute) -o route
./route > printed
cmp printed route.expected
WORK

say "purged without a trace"
apt_inside purge bhroute
left=$(inside find /usr -xdev -name '*bhroute*')
[ -z "$left" ] || die "left behind: $left"
say "passed"
