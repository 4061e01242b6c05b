#!/usr/bin/env bash
# Plays ./run demo and ./run test in a bare Debian 12, as on a machine that has never seen the project: what is committed
# here is cloned into a fresh system made by debootstrap. As root; takes a network, 4 GB and most of an hour.
#
#   scripts/bare.sh [--folder FOLDER] [--command COMMAND ...]
#
# --folder: where the system goes, to be kept and used again; default: a new one under $TMPDIR, removed at the end.
# --command: instead of demo and test; more than one may be given.
# apt works inside as it does here: its sources, keys, proxy and name servers are this machine's.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
suite=bookworm
folder=
keep=true
commands=()

say() { echo "bare: $*" >&2; }
die() {
  say "$*"
  exit 1
}

while [ $# -gt 0 ]; do
  case $1 in
    --folder | --command)
      [ $# -gt 1 ] || die "$1 needs a value"
      if [ "$1" = --folder ]; then folder=$2; else commands+=("$2"); fi
      shift
      ;;
    *) die "unknown option $1; there are --folder and --command" ;;
  esac
  shift
done
[ ${#commands[@]} -gt 0 ] || commands=("./run demo" "./run test")
[ "$(id -u)" = 0 ] || die "needs root"

# The first mirror of this machine's apt sources that has the suite itself, in either format.
mirror() {
  local file files=()
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources; do
    if [ -f "$file" ]; then files+=("$file"); fi
  done
  cat /dev/null "${files[@]}" | awk -v suite=$suite '
    $1 == "deb" { i = $2 ~ /^\[/ ? 3 : 2; while (i > 2 && $(i - 1) !~ /\]$/) i++; if ($(i + 1) == suite) found[++n] = $i }
    $1 == "Types:" { uri = "" }
    $1 == "URIs:" { uri = $2 }
    $1 == "Suites:" { for (i = 2; i <= NF; i++) if ($i == suite) found[++n] = uri }
    END { if (n) print found[1] }'
}

release() {
  local place
  for place in "$system/proc" "$system/dev"; do
    if mountpoint -q "$place"; then umount -R -l "$place"; fi
  done
}

finish() {
  release
  $keep || rm -rf --one-file-system "$system"
}

# What makes apt work here: sources, keys, proxy, certificates, name servers.
copy_network() {
  local path
  for path in /etc/apt/sources.list /etc/apt/sources.list.d /etc/apt/apt.conf /etc/apt/apt.conf.d /etc/apt/auth.conf.d \
    /etc/apt/trusted.gpg.d /etc/apt/keyrings /usr/share/keyrings /etc/pip.conf /etc/ssl/certs \
    /usr/local/share/ca-certificates; do
    [ -e "$path" ] || continue
    mkdir -p "$system$(dirname "$path")"
    cp -aT --remove-destination "$path" "$system$path"
  done
  cp -L --remove-destination /etc/resolv.conf /etc/hosts "$system/etc/"
}

make_system() {
  local from
  if ! command -v debootstrap >/dev/null; then
    say "installing debootstrap"
    apt-get update -qq >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends debootstrap >&2
  fi
  from=$(mirror)
  [ -n "$from" ] || die "the apt sources here name no mirror of $suite"
  [ -e "$system/etc/debian_version.made" ] && return
  say "debootstrap $suite"
  debootstrap --variant=minbase "$suite" "$system" "$from" >&2
  touch "$system/etc/debian_version.made"
}

inside() {
  local passed=() name
  for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY PIP_INDEX_URL PIP_TRUSTED_HOST; do
    [ -n "${!name:-}" ] && passed+=("$name=${!name}")
  done
  chroot "$system" env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 \
    CI=true "${passed[@]}" bash -c "cd /scalemix && $1"
}

if [ -n "$folder" ]; then
  mkdir -p "$folder"
  system=$(cd "$folder" && pwd)
else
  keep=false
  system=$(mktemp -d "${TMPDIR:-/tmp}/scalemix-bare-XXXXXX")
fi
[ "$system" != / ] || die "not here: /"
trap finish EXIT

start=$SECONDS
make_system
copy_network
mount -t proc proc "$system/proc"
mount --rbind /dev "$system/dev" && mount --make-rslave "$system/dev"
rm -rf "$system/scalemix"
mkdir "$system/scalemix"
git -C "$root" archive HEAD | tar -x -C "$system/scalemix"
timings=("$(printf '%5d s  a bare system' $((SECONDS - start)))")
status=0
for command in "${commands[@]}"; do
  start=$SECONDS
  say "$command"
  outcome=passed
  inside "$command" || { outcome=FAILED && status=1; }
  timings+=("$(printf '%5d s  %s: %s' $((SECONDS - start)) "$command" $outcome)")
done
printf '%s\n' "${timings[@]}"
exit $status
