#!/usr/bin/env bash
# Installs what a build needs and is not there. Changes nothing, asks no network and takes no time where all of it is.
#
#   scripts/setup.sh [--dry-run] [--torch] [GROUP ...]      groups of scripts/packages.txt; default: build
#
# --torch: a torch for the bridge as well, and ONNX Runtime for its tests. One in CMAKE_PREFIX_PATH wins, otherwise it is the torch package of pip, in
# .venv. Which one is the line on stdout: "given FOLDER" or "pip FOLDER". All else goes to stderr.
#
# No pipe here ends in a reader that stops early: under pipefail the writer's broken pipe would be a failure.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
torch_version=2.13.0
venv=${SCALEMIX_VENV:-$root/.venv}
dry_run=false
torch=false
groups=()

say() { echo "setup: $*" >&2; }
die() {
  say "$*"
  exit 1
}

# Names of the packages in the groups, one per line.
listed() {
  local group
  for group in "$@"; do
    awk -v group="$group" '!/^#/ && $2 == group { print $1 }' "$root/scripts/packages.txt"
  done
}

# Those of the named packages that dpkg does not have, one per line.
absent() {
  local have
  # Its status is 1 where it knows nothing of a package, which is no failure here.
  have=$(dpkg-query -W -f '${Package} ${Status}\n' "$@" 2>/dev/null || true)
  comm -23 <(printf '%s\n' "$@" | sort -u) \
    <(awk '$2 == "install" && $4 == "installed" { print $1 }' <<<"$have" | sort -u)
}

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "needs root, and there is no sudo: run as root: $*"
  fi
}

updated=false
update_once() {
  $updated && return
  updated=true
  say "apt-get update"
  as_root apt-get update -qq >&2
}

install() {
  [ $# -gt 0 ] || return 0
  if $dry_run; then
    say "would install with apt: $*"
    return
  fi
  update_once
  say "installing with apt: $*"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2
}

# install_groups GROUP ...: with apt; without it, says what is needed unless the tools are there.
install_groups() {
  local missing
  if command -v apt-get >/dev/null && command -v dpkg-query >/dev/null; then
    mapfile -t missing < <(absent $(listed "$@"))
    install "${missing[@]}"
  elif ! command -v cmake >/dev/null || ! command -v ninja >/dev/null; then
    die "no apt here: install what these Debian packages hold: $(listed "$@" | tr '\n' ' ')"
  fi
}

# The folder in CMAKE_PREFIX_PATH that holds a LibTorch, if one does.
given_torch() {
  local folder config paths=${CMAKE_PREFIX_PATH:-}
  while IFS= read -r folder; do
    [ -n "$folder" ] || continue
    for config in "$folder"/{share,lib,lib/*}/cmake/Torch/TorchConfig.cmake; do
      if [ -f "$config" ]; then
        echo "$folder"
        return
      fi
    done
  done <<<"${paths//[:;]/$'\n'}"
}

install_pip_torch() {
  local have
  have=$("$venv/bin/python3" -c 'import onnx, onnxruntime, safetensors, torch; print(torch.__version__.split("+")[0])' 2>/dev/null || true)
  if [ "$have" != "$torch_version" ]; then
    if $dry_run; then
      say "would install with pip in $venv: torch==$torch_version numpy onnx onnxruntime safetensors"
      return
    fi
    install_groups pip
    say "installing with pip in $venv: torch==$torch_version numpy onnx onnxruntime safetensors"
    [ -x "$venv/bin/python3" ] || python3 -m venv "$venv"
    "$venv/bin/python3" -m pip install --quiet "torch==$torch_version" numpy onnx onnxruntime safetensors >&2
  fi
  # One path for all versions of Python: the package's own root folder is what CMAKE_PREFIX_PATH must name.
  $dry_run || ln -sfn "$("$venv/bin/python3" -c \
    'import os, torch; print(os.path.dirname(torch.__file__))')" "$venv/torch"
}

choose_torch() {
  local folder
  folder=$(given_torch)
  if [ -n "$folder" ]; then
    echo "given $folder"
  else
    install_pip_torch
    echo "pip $venv/torch"
  fi
}

for argument in "$@"; do
  case $argument in
    --dry-run) dry_run=true ;;
    --torch) torch=true ;;
    --*) die "unknown option $argument; there are --dry-run and --torch" ;;
    *)
      [ -n "$(listed "$argument")" ] || die "scripts/packages.txt has no group \"$argument\""
      groups+=("$argument")
      ;;
  esac
done
[ ${#groups[@]} -gt 0 ] || groups=(build)

install_groups "${groups[@]}"
if $torch; then choose_torch; fi
