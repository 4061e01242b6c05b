#!/usr/bin/env bash
# All checks that need no build, each to its end; fails if one did. The docs' tables need the built command.
set -uo pipefail

scripts=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
failed=0
for check in format layers docs words; do
  "$scripts/check_$check.py" || failed=1
done
exit $failed
