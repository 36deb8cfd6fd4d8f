#include "command.h"

namespace bhroute::cli {
namespace {

constexpr const char* kStart = "Start here";
constexpr const char* kTables = "Tables";
constexpr const char* kPolicies = "Policies";
constexpr const char* kMeasurements = "Measurements";
constexpr const char* kUse = "Use";
constexpr const char* kAlso = "Also";

constexpr Command kCommands[] = {
    {"quickstart", "From a model and a text to a tuned policy, its evaluation and how to serve it",
     kStart,
     "  bhroute quickstart -m MODEL.gguf -f text.txt\n"
     "  bhroute quickstart -m MODEL.gguf -f text.txt --budget 4 \\\n"
     "      -o out/four --effort thorough\n"
     "  bhroute quickstart -m MODEL.gguf -f text.txt --dry-run",
     true, declare_quickstart, OnStop::continues},
    {"calibrate", "Learn the null distributions of a model's router logits from a text", kTables,
     "  bhroute calibrate -m MODEL.gguf -f text.txt --windows 64 -o all.safetensors\n"
     "  bhroute calibrate -m MODEL.gguf -f text.txt --null all -o all.safetensors \\\n"
     "      --null unselected -o unselected.safetensors\n"
     "  bhroute calibrate --logits DUMPS --null unselected --top-k 8 \\\n"
     "      -o table.safetensors",
     true, declare_calibrate, OnStop::begins_anew},
    {"check", "Whether a table's p-values mean on a fresh text what they say", kTables,
     "  bhroute check unselected.safetensors -m MODEL.gguf -f fresh.txt --windows 24\n"
     "  bhroute check all.safetensors -m MODEL.gguf -f fresh.txt --json -o check.json",
     true, declare_check, OnStop::begins_anew},
    {"merge", "One table of several made in parts: their counts add up exactly", kTables,
     "  bhroute merge part1.safetensors part2.safetensors -o table.safetensors", true,
     declare_merge},
    {"import-kde", "Read the original system's pickled KDE tables (nothing in them is executed)",
     kTables,
     "  bhroute import-kde kde_models/models --layers 16 -o table.safetensors\n"
     "  bhroute import-kde kde_models/models -m MODEL.gguf -o table.safetensors",
     true, declare_import_kde},
    {"export-kde", "Write a table as the original system's pickles", kTables,
     "  bhroute export-kde table.safetensors kde_models/models", true, declare_export_kde},
    {"tune", "The best policy for a mean number of experts, every rule against the fixed count",
     kPolicies,
     "  bhroute tune -m MODEL.gguf -f text.txt --budget 5.0 -o policy.json\n"
     "  bhroute tune -m MODEL.gguf -f text.txt --budget 4 \\\n"
     "      --rules bh,rank_signal,top_p -o policy.json",
     true, declare_tune, OnStop::continues},
    {"predict", "Experts per token of a policy from a table's sampled rows, without the model",
     kPolicies,
     "  bhroute predict unselected.safetensors --policy bh:alpha=0.2,max_k=16\n"
     "  bhroute predict all.safetensors unselected.safetensors \\\n"
     "      --configurations list.json\n"
     "  bhroute predict unselected.safetensors --policy bh:alpha=0.2,max_k=16 \\\n"
     "      -m MODEL.gguf -f text.txt --windows 8",
     true, declare_predict, OnStop::begins_anew},
    {"explain", "One token's p-values, critical values and the decision, step by step", kPolicies,
     "  seq -4.0 0.1 2.3 | bhroute explain table.safetensors --layer 0 --logits -\n"
     "  bhroute explain kde_models/models --layer 0 --logits token.npy \\\n"
     "      --policy bh:alpha=0.05,max_k=16 --why",
     true, declare_explain},
    {"evaluate",
     "Perplexity, divergence from the model's own routing and experts per token of a policy",
     kMeasurements,
     "  bhroute evaluate -m MODEL.gguf -f text.txt --windows 24 \\\n"
     "      --table all.safetensors \\\n"
     "      --policy bh:alpha=0.05,min_k=1,max_k=16,weights=native\n"
     "  bhroute evaluate -m MODEL.gguf -f text.txt --json \\\n"
     "      --policy top_k:k=5,weights=mass",
     true, declare_evaluate, OnStop::begins_anew},
    {"sweep",
     "Many policies on one text, each on disk before the next starts; run again, it continues",
     kMeasurements,
     "  bhroute sweep -m MODEL.gguf -f text.txt --windows 24 --table all.safetensors \\\n"
     "      --table-unselected unselected.safetensors -o out/sweep\n"
     "  bhroute sweep --print-configurations > list.json",
     true, declare_sweep, OnStop::continues},
    {"compare", "Two runs of the same text, token by token: difference, interval, verdict",
     kMeasurements,
     "  bhroute compare out/sweep/runs/bh-alpha-0.2-max_k-16-unselected.json \\\n"
     "      out/sweep/runs/static-top-6.json",
     true, declare_compare},
    {"report", "A sweep's results as one HTML page that needs no network", kMeasurements,
     "  bhroute report out/sweep -o report.html\n  bhroute report out/plain out/elastic -o "
     "both.html",
     true, declare_report},
    {"run", "Continue a prompt under a policy, with tokens/s and experts per token at the end",
     kUse,
     "  bhroute run -m MODEL.gguf -p 'It was a fine day, and' -n 64 --policy top_k:k=5\n"
     "  bhroute run -m MODEL.gguf -p 'Dear Sir,' --table unselected.safetensors \\\n"
     "      --policy bh:alpha=0.2,min_k=1,max_k=16 --temp 0.8 --seed 7 --json",
     true, declare_run, OnStop::cuts_text},
    {"exec", "Start any llama.cpp program with its experts routed by a policy", kUse,
     "  bhroute exec --policy policy.json -- llama-server -m MODEL.gguf\n"
     "  bhroute exec --policy top_k:k=4 -- llama-bench -m MODEL.gguf -t 2",
     false, declare_exec},
    {"info", "What this machine and this build have: CPU, GPU, engine, tables found", kAlso,
     "  bhroute info\n  BHROUTE_FORCE_ISA=scalar bhroute info --json", true, declare_info},
    {"fdr", "A multiple-testing procedure on a column of p-values: no model needed", kAlso,
     "  bhroute fdr p_values.csv --alpha 0.05 --method bh\n"
     "  printf '0.01\\n0.02\\n0.9\\n' | bhroute fdr - --method holm --json",
     true, declare_fdr},
    {"completions", "A completion script for a shell: bash, zsh or fish", kAlso,
     "  source <(bhroute completions bash)\n"
     "  bhroute completions fish > ~/.config/fish/completions/bhroute.fish",
     false, declare_completions},
    {"man", "This manual as a man page", kAlso,
     "  bhroute man | man -l -\n  bhroute man --markdown > docs/commands.md", false, declare_man},
    {"help", "The help of the program or of a subcommand", kAlso,
     "  bhroute help\n  bhroute help tune", false, declare_help},
    {"version", "The version", kAlso, "  bhroute version", false, declare_version},
};

}  // namespace

std::span<const Command> commands() { return kCommands; }

}  // namespace bhroute::cli
