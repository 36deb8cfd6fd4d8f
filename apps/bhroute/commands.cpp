#include "command.h"

namespace bhroute::cli {
namespace {

constexpr Command kCommands[] = {
    {"info", "What this machine and this build have: CPU, GPU, engine, tables found",
     "  bhroute info\n  BHROUTE_FORCE_ISA=scalar bhroute info --json", declare_info},
    {"calibrate", "Learn the null distributions of a model's router logits from a text",
     "  bhroute calibrate -m MODEL.gguf -f text.txt --windows 64 -o all.safetensors\n"
     "  bhroute calibrate -m MODEL.gguf -f text.txt --null all -o all.safetensors \\\n"
     "      --null unselected -o unselected.safetensors\n"
     "  bhroute calibrate --logits DUMPS --null unselected --top-k 8 -o table.safetensors",
     declare_calibrate, OnStop::begins_anew},
    {"merge", "One table of several made in parts: their counts add up exactly",
     "  bhroute merge part1.safetensors part2.safetensors -o table.safetensors", declare_merge},
    {"import-kde", "Read the original system's pickled KDE tables (nothing in them is executed)",
     "  bhroute import-kde kde_models/models --layers 16 -o table.safetensors\n"
     "  bhroute import-kde kde_models/models -m MODEL.gguf -o table.safetensors",
     declare_import_kde},
    {"export-kde", "Write a table as the original system's pickles",
     "  bhroute export-kde table.safetensors kde_models/models", declare_export_kde},
    {"explain", "One token's p-values, critical values and the decision, step by step",
     "  seq -4.0 0.1 2.3 | bhroute explain table.safetensors --layer 0 --logits -\n"
     "  bhroute explain kde_models/models --layer 0 --logits token.npy --policy "
     "bh:alpha=0.05,max_k=16 --why",
     declare_explain},
    {"evaluate",
     "Perplexity, divergence from the model's own routing and experts per token of a policy",
     "  bhroute evaluate -m MODEL.gguf -f text.txt --windows 24 --table all.safetensors \\\n"
     "      --policy bh:alpha=0.05,min_k=1,max_k=16,weights=native\n"
     "  bhroute evaluate -m MODEL.gguf -f text.txt --policy top_k:k=5,weights=mass --json",
     declare_evaluate, OnStop::begins_anew},
    {"run", "Continue a prompt under a policy, with tokens/s and experts per token at the end",
     "  bhroute run -m MODEL.gguf -p 'It was a fine day, and' -n 64 --policy top_k:k=5\n"
     "  bhroute run -m MODEL.gguf -p 'Dear Sir,' --table unselected.safetensors \\\n"
     "      --policy bh:alpha=0.2,min_k=1,max_k=16 --temp 0.8 --seed 7 --json",
     declare_run},
    {"sweep",
     "Many policies on one text, each on disk before the next starts; run again, it continues",
     "  bhroute sweep -m MODEL.gguf -f text.txt --windows 24 --table all.safetensors \\\n"
     "      --table-unselected unselected.safetensors -o out/sweep\n"
     "  bhroute sweep --print-configurations > list.json",
     declare_sweep, OnStop::continues},
    {"fdr", "A multiple-testing procedure on a column of p-values: no model needed",
     "  bhroute fdr p_values.csv --alpha 0.05 --method bh\n"
     "  printf '0.01\\n0.02\\n0.9\\n' | bhroute fdr - --method holm --json",
     declare_fdr},
    {"compare", "Two runs of the same text, token by token: difference, interval, verdict",
     "  bhroute compare out/sweep/runs/bh-alpha-0.2-max_k-16-unselected.json "
     "out/sweep/runs/static-top-6.json",
     declare_compare},
    {"predict", "Experts per token of a policy from a table's sampled rows, without the model",
     "  bhroute predict unselected.safetensors --policy bh:alpha=0.2,max_k=16\n"
     "  bhroute predict all.safetensors unselected.safetensors --configurations list.json\n"
     "  bhroute predict unselected.safetensors --policy bh:alpha=0.2,max_k=16 -m MODEL.gguf -f "
     "text.txt --windows 8",
     declare_predict, OnStop::begins_anew},
    {"check", "Whether a table's p-values mean on a fresh text what they say",
     "  bhroute check unselected.safetensors -m MODEL.gguf -f fresh.txt --windows 24\n"
     "  bhroute check all.safetensors -m MODEL.gguf -f fresh.txt --json -o check.json",
     declare_check, OnStop::begins_anew},
    {"tune", "The best policy for a mean number of experts, every rule against the fixed count",
     "  bhroute tune -m MODEL.gguf -f text.txt --budget 5.0 -o policy.json\n"
     "  bhroute tune -m MODEL.gguf -f text.txt --budget 4 --rules bh,rank_signal,top_p -o "
     "policy.json",
     declare_tune, OnStop::continues},
    {"report", "A sweep's results as one HTML page that needs no network",
     "  bhroute report out/sweep -o report.html\n  bhroute report out/plain out/elastic -o "
     "both.html",
     declare_report},
    {"exec", "Start any llama.cpp program with its experts routed by a policy",
     "  bhroute exec --policy policy.json -- llama-server -m MODEL.gguf\n"
     "  bhroute exec --policy top_k:k=4 -- llama-bench -m MODEL.gguf -t 2",
     declare_exec},
};

}  // namespace

std::span<const Command> commands() { return kCommands; }

}  // namespace bhroute::cli
