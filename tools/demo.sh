#!/usr/bin/env bash
# The main job on the shipped models and novels: calibrate, predict, check, sweep both models, report. Everything lands in out/demo.
# A second run reuses the tables and every finished configuration.
set -euo pipefail
cd "$(dirname "$0")/.."
bhroute=build/release/bin/bhroute
model=models/olmoe-nano/olmoe-nano-q8_0.gguf
calibration_text=data/northanger.txt
elastic=models/olmoe-nano-elastic/olmoe-nano-elastic-q8_0.gguf
evaluation_text=data/persuasion.txt
tasks=(--task lambada:data/tasks/lambada.jsonl --task hellaswag:data/tasks/hellaswag.jsonl)
out=out/demo
all=$out/all.safetensors
unselected=$out/unselected.safetensors

say() { printf '\ndemo: %s\n' "$*"; }
run() { printf '$'; printf ' %q' "$@"; printf '\n'; "$@"; }

up_to_date() {
  local table=$1
  [ "$table" -nt "$model" ] && [ "$table" -nt "$calibration_text" ]
}

mkdir -p "$out"
if up_to_date "$all" && up_to_date "$unselected"; then
  say "1/6 the calibration tables are there already: $all, $unselected"
else
  say "1/6 calibrate: the null distributions of the router logits, from 64 windows of Northanger Abbey"
  run "$bhroute" calibrate -m "$model" -f "$calibration_text" -c 512 --windows 64 \
      --null all -o "$all" --null unselected -o "$unselected"
fi

say "2/6 predict: experts per token of one policy from the table alone, beside what a run measures"
run "$bhroute" predict "$unselected" --policy bh:alpha=0.2,max_k=16 -m "$model" -f "$evaluation_text" -c 512 --windows 8

say "3/6 check: do the null's p-values mean on a fresh text what they say?"
run "$bhroute" check "$unselected" -m "$model" -f "$evaluation_text" -c 512 --windows 8 -o "$out/check.json"

say "4/6 sweep olmoe-nano: every configuration on 24 windows of Persuasion (finished ones are reused)"
python3 tools/demo_lists.py "$out/lists"
run "$bhroute" sweep -m "$model" -f "$evaluation_text" -c 512 --windows 24 \
    --table "$all" --table-unselected "$unselected" --also "$out/lists/rivals.json" "${tasks[@]}" -o "$out"

say "5/6 sweep olmoe-nano-elastic: the same model, trained with a varying number of experts"
run "$bhroute" sweep -m "$elastic" -f "$evaluation_text" -c 512 --windows 24 \
    --configurations "$out/lists/elastic.json" "${tasks[@]}" -o "$out/elastic"

say "6/6 report"
run "$bhroute" report "$out" "$out/elastic" -o "$out/report.html"

say "done"
python3 tools/demo_summary.py "$out/results.json" "$out/elastic/results.json"
printf '\n  report   %s\n  results  %s, %s\n  tables   %s, %s\n' \
    "$PWD/$out/report.html" "$out/results.json" "$out/results.csv" "$all" "$unselected"
