#!/usr/bin/env bash
# The main job on the built-in data, in a couple of minutes: train, inspect, predict. Called by ./run demo with the
# command on the PATH; run folders go to runs/demo-*.
set -euo pipefail

step() { printf '\n\033[1m%s\033[0m\n$ %s\n' "$1" "${*:2}"; "${@:2}"; }

rm -rf runs/demo-glyphs runs/demo-friedman1
mkdir -p runs

step "1. A sparse variational network learns 28x28 digits and prunes itself" \
  scalemix train --data glyphs --model mlp:300-100 --method svdo --epochs 40 --out runs/demo-glyphs

step "2. A noisy regression: ten inputs, of which five matter" \
  scalemix train --data friedman1 --model mlp:50 --method svdo --epochs 600 --lr 0.003 --out runs/demo-friedman1

step "3. The result of training, examined" \
  scalemix diagnose runs/demo-friedman1

scalemix data generate friedman1 --rows 5 --seed 1 --out runs/demo-rows.csv
step "4. Predict five new rows, with uncertainty" \
  scalemix predict runs/demo-friedman1 --data runs/demo-rows.csv --samples 100

step "5. The saved model" \
  scalemix show runs/demo-glyphs

cat <<'END'

Next: your own table          scalemix train --data my.csv --target price
      every method and law    scalemix list
      the guides              docs/README.md
END
