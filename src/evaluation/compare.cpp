#include "bhroute/evaluation/compare.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "bhroute/core/file_format.h"
#include "bhroute/core/file_limits.h"
#include "bhroute/core/json.h"
#include "bhroute/core/sha256.h"
#include "bhroute/evaluation/paired_interval.h"
#include "bhroute/evaluation/run_losses.h"
#include "json_count.h"

namespace bhroute::evaluation {
namespace {

using nlohmann::json;

constexpr const char* kWhereRunsAre =
    "DIR/runs/NAME.json of a sweep, or the file of evaluate --summary";

// A sweep's run file holds the result under `run`; an evaluation's summary is the result.
void read_origin(const json& object, StoredRun& run) {
  const json& model = object.at("model");
  run.model_name = model.value("name", "");
  run.model_sha256 = model.value("sha256", "");
  const json& text = object.at("text");
  run.text_path = text.value("path", "");
  text.at("sha256").get_to(run.text_sha256);
  run.tokens_sha256 = text.value("tokens_sha256", "");
  run.window = count_of(object.at("window"));
  run.num_windows = count_of(object.at(object.contains("windows") ? "windows" : "num_windows"));
}

Result<StoredRun> read_run(const json& object, const std::filesystem::path& path) {
  StoredRun run;
  run.path = path.string();
  std::string score;
  try {
    read_origin(object, run);
    object.at("score").get_to(score);
  } catch (const json::exception& problem) {
    return invalid_input(run.path, "not a run's result: " + json_problem(problem.what()), "",
                         kWhereRunsAre);
  }
  const auto parsed = parse_score(score);
  if (!parsed) return tl::make_unexpected(parsed.error());
  run.score = *parsed;
  auto result = run_result_from_json(object.contains("run") ? object["run"] : object, run.path);
  if (!result) return tl::make_unexpected(result.error());
  auto losses = read_losses(path.parent_path(), object, result->num_tokens);
  if (!losses) return tl::make_unexpected(losses.error());
  run.result = std::move(*result);
  run.result.token_losses = std::move(*losses);
  return run;
}

Result<void> check_same(const char* what, const std::string& a, const std::string& b) {
  if (a == b) return {};
  return invalid_input("RUN_A, RUN_B", fmt::format("cannot be compared: they differ in {}", what),
                       a, b);
}

Result<void> check_comparable(const StoredRun& a, const StoredRun& b) {
  Result<void> same = check_same("the text", a.text_sha256, b.text_sha256);
  if (same)
    same =
        check_same("the tokens a window has", std::to_string(a.window), std::to_string(b.window));
  if (same)
    same = check_same("the number of windows", std::to_string(a.num_windows),
                      std::to_string(b.num_windows));
  if (same)
    same =
        check_same("the scoring", std::string(to_string(a.score)), std::string(to_string(b.score)));
  if (same && !a.tokens_sha256.empty() && !b.tokens_sha256.empty())
    same =
        check_same("the tokens of the text (another vocabulary)", a.tokens_sha256, b.tokens_sha256);
  if (same)
    same = check_same("the number of scored tokens", std::to_string(a.result.num_tokens),
                      std::to_string(b.result.num_tokens));
  return same;
}

std::string bounds(const stats::Interval& interval) {
  return fmt::format("95 % interval {:.4f} to {:.4f}",
                     std::abs(interval.estimate < 0 ? interval.high : interval.low),
                     std::abs(interval.estimate < 0 ? interval.low : interval.high));
}

std::string loss_words(const stats::Interval& difference) {
  if (!difference.excludes_zero())
    return fmt::format(
        "A and B cannot be told apart: the loss differs by {:+.4f} nats a token, 95 % interval "
        "{:+.4f} to {:+.4f}",
        difference.estimate, difference.low, difference.high);
  return fmt::format("A is {}: its loss is {:.4f} nats a token {} ({})",
                     difference.estimate < 0 ? "better" : "worse", std::abs(difference.estimate),
                     difference.estimate < 0 ? "lower" : "higher", bounds(difference));
}

std::string experts_words(double difference) {
  if (std::abs(difference) < 0.005) return "as many experts";
  return fmt::format("{:.2f} experts a token {}", std::abs(difference),
                     difference < 0 ? "fewer" : "more");
}

}  // namespace

Result<StoredRun> load_run(const std::filesystem::path& path) {
  const auto object = read_json(path, kMaxJsonBytes);
  if (!object) return tl::make_unexpected(object.error());
  if (!object->is_object())
    return invalid_input(path.string(), "not a run's result", "", kWhereRunsAre);
  if (auto ok = check_format_version(*object, kRunFormat, path.string()); !ok)
    return tl::make_unexpected(ok.error());
  return read_run(*object, path);
}

std::string hash_tokens(const WindowedText& text) {
  return sha256(
      {reinterpret_cast<const char*>(text.tokens.data()), text.tokens.size() * sizeof(Token)});
}

Result<Comparison> compare_runs(const StoredRun& a, const StoredRun& b) {
  if (auto checked = check_comparable(a, b); !checked) return tl::make_unexpected(checked.error());
  const auto blocks = window_blocks(a.result.num_tokens, a.window, a.num_windows, a.score);
  if (!blocks) return tl::make_unexpected(blocks.error());
  if (blocks->size() < 2)
    return invalid_input(a.path + ", " + b.path, "too few windows for an interval",
                         std::to_string(blocks->size()), "2 or more");
  const std::vector<double> left(a.result.token_losses.begin(), a.result.token_losses.end());
  const std::vector<double> right(b.result.token_losses.begin(), b.result.token_losses.end());
  const auto difference = stats::block_bootstrap_difference(left, right, *blocks);
  if (!difference) return tl::make_unexpected(difference.error());
  Comparison found{*difference, left.size(), blocks->size(),
                   a.result.mean_experts - b.result.mean_experts, ""};
  found.verdict =
      fmt::format("{}, with {}.", loss_words(*difference), experts_words(found.experts_difference));
  return found;
}

json to_json(const Comparison& comparison, const StoredRun& a, const StoredRun& b) {
  const auto side = [](const StoredRun& run) {
    return json{{"path", run.path},
                {"name", run.result.name},
                {"model", run.model_name},
                {"loss", run.result.loss},
                {"mean_experts", run.result.mean_experts}};
  };
  return {{"a", side(a)},
          {"b", side(b)},
          {"loss_difference", comparison.difference.estimate},
          {"loss_difference_low", comparison.difference.low},
          {"loss_difference_high", comparison.difference.high},
          {"experts_difference", comparison.experts_difference},
          {"num_tokens", comparison.num_tokens},
          {"num_windows", comparison.num_windows},
          {"verdict", comparison.verdict}};
}

}  // namespace bhroute::evaluation
