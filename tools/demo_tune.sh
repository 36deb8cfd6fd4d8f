#!/usr/bin/env bash
# The long job whose outcome is shipped: the policies of least loss for a mean of 4, 5, 6 and 7 experts (olmoe-nano) and 4 (olmoe-nano-elastic),
# from Northanger Abbey, which the demo's figures are not measured on. It writes models/MODEL/tuned-BUDGET.json with its ranking, and its table
# if it needs one; interrupted, it continues.
set -euo pipefail
cd "$(dirname "$0")/.."
bhroute=build/release/bin/bhroute

tune() {
  local model=$1 budget=$2
  mkdir -p "out/tune/$model-$budget.work"
  "$bhroute" tune -m "models/$model/$model-q8_0.gguf" -f data/northanger.txt -c 512 --budget "$budget" \
      --work "out/tune/$model-$budget.work" -o "models/$model/tuned-$budget.json"
}

for budget in 4 5 6 7; do tune olmoe-nano "$budget"; done
tune olmoe-nano-elastic 4
