#pragma once
// One evaluation as a person and as a program reads it.

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>

#include "bhroute/evaluation/model_runner.h"
#include "bhroute/evaluation/run_result.h"

namespace bhroute::cli {

struct Evaluation {
  evaluation::RunResult run;
  std::optional<double> own_loss;  ///< mean loss of the model's own routing; absent with --no-kl
  evaluation::ModelDescription model;
  std::string text_path, text_sha256, tokens_sha256, score, command_line;
  std::size_t window = 0, num_windows = 0;
};

nlohmann::json to_json(const Evaluation& evaluation);
std::string readable(const Evaluation& evaluation);

}  // namespace bhroute::cli
