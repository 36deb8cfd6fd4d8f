#include "report_runs.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "bhroute/core/file_format.h"

namespace bhroute::evaluation {
namespace {

using nlohmann::json;

// Reads keys of one object and remembers the first thing that is wrong.
class Fields {
 public:
  Fields(const json& object, std::string where) : object_(object), where_(std::move(where)) {}

  std::string text(const char* key) { return text_or(key, true); }
  std::string optional_text(const char* key) { return text_or(key, false); }
  double number(const char* key) { return optional_number(key, true).value_or(0.0); }

  std::optional<double> optional_number(const char* key, bool required = false) {
    const json* value = find(key, required);
    if (value == nullptr) return std::nullopt;
    if (!value->is_number()) return wrong_type(key, *value, "a number"), std::nullopt;
    return value->get<double>();
  }

  std::optional<std::size_t> optional_count(const char* key) {
    const json* value = find(key, false);
    if (value == nullptr) return std::nullopt;
    if (!value->is_number_integer() || value->get<double>() < 0)
      return wrong_type(key, *value, "a count"), std::nullopt;
    return value->get<std::size_t>();
  }

  /// An absent object reads as an empty one.
  json object(const char* key) {
    const json* value = find(key, false);
    if (value == nullptr) return json::object();
    if (!value->is_object()) return wrong_type(key, *value, "an object"), json::object();
    return *value;
  }

  const std::optional<Error>& error() const { return error_; }

 private:
  // A null stands for a number that could not be had, e.g. not finite.
  const json* find(const char* key, bool required) {
    const auto found = object_.find(key);
    if (found != object_.end() && !found->is_null()) return &*found;
    if (required) fail(fmt::format("lacks the key '{}'", key), "", "");
    return nullptr;
  }

  std::string text_or(const char* key, bool required) {
    const json* value = find(key, required);
    if (value == nullptr) return "";
    if (!value->is_string()) return wrong_type(key, *value, "a string"), "";
    return value->get<std::string>();
  }

  void wrong_type(const char* key, const json& value, const char* want) {
    fail(fmt::format("the key '{}' has the wrong type", key), value.type_name(), want);
  }

  void fail(std::string what, std::string got, std::string want) {
    if (!error_)
      error_ =
          Error{ErrorKind::invalid_input, where_, std::move(what), std::move(got), std::move(want)};
  }

  const json& object_;
  std::string where_;
  std::optional<Error> error_;
};

void read_policy(const json& policy, const std::string& where, ReportRun& run,
                 std::optional<Error>& error) {
  Fields fields(policy, where + ".policy");
  run.rule = fields.optional_text("rule");
  run.weights = fields.optional_text("weights");
  if (run.rule != "top_k") {
    run.alpha = fields.optional_number("alpha");
    run.min_k = fields.optional_count("min_k");
    run.max_k = fields.optional_count("max_k");
  }
  error = fields.error();
}

std::optional<ReportInterval> read_interval(Fields& fields, const char* low, const char* high) {
  const auto below = fields.optional_number(low), above = fields.optional_number(high);
  if (!below || !above) return std::nullopt;
  return ReportInterval{*below, *above};
}

void read_differences(Fields& fields, ReportRun& run) {
  run.loss_interval = read_interval(fields, "loss_difference_low", "loss_difference_high");
  run.static_difference = fields.optional_number("static_difference");
  run.static_interval = read_interval(fields, "static_difference_low", "static_difference_high");
  run.reference_difference = fields.optional_number("reference_difference");
  run.reference_interval =
      read_interval(fields, "reference_difference_low", "reference_difference_high");
}

void read_costs(Fields& fields, ReportRun& run) {
  run.loss_se = fields.optional_number("loss_se");
  run.loss_difference = fields.optional_number("loss_difference");
  run.loss_difference_se = fields.optional_number("loss_difference_se");
  run.floor_share = fields.optional_number("floor_share");
  run.ceiling_share = fields.optional_number("ceiling_share");
  run.relative_flops = fields.optional_number("relative_flops");
  run.tokens_per_second = fields.optional_number("tokens_per_second");
}

Result<ReportRun> read_run(const json& object, const std::string& where) {
  if (!object.is_object())
    return invalid_input(where, "has the wrong type", object.type_name(), "an object");
  ReportRun run;
  Fields fields(object, where);
  run.name = fields.text("name");
  run.role = fields.text("role");
  run.marking = fields.optional_text("marking");
  run.null = fields.optional_text("null");
  run.loss = fields.number("loss");
  run.perplexity = fields.number("perplexity");
  run.mean_experts = fields.number("mean_experts");
  read_costs(fields, run);
  read_differences(fields, run);
  std::optional<Error> error;
  read_policy(fields.object("policy"), where, run, error);
  if (fields.error()) error = fields.error();
  if (error) return tl::make_unexpected(*error);
  return run;
}

Result<void> read_model(const json& results, const std::string& where, ReportSweep& sweep) {
  Fields top(results, where);
  const json model = top.object("model");
  Fields fields(model, where + ": model");
  sweep.model = fields.optional_text("name");
  sweep.num_experts = fields.optional_count("num_experts");
  sweep.top_k = fields.optional_count("top_k");
  if (top.error()) return tl::make_unexpected(*top.error());
  if (fields.error()) return tl::make_unexpected(*fields.error());
  return {};
}

Result<void> check_runs(const json& results, const std::string& where) {
  if (!results.is_object())
    return invalid_input(where, "is no sweep's results", results.type_name(), "an object");
  if (auto ok = check_format_version(results, kResultsFormat, where); !ok) return ok;
  const auto runs = results.find("runs");
  if (runs == results.end()) return invalid_input(where, "lacks the key 'runs'");
  if (!runs->is_array())
    return invalid_input(where, "the key 'runs' has the wrong type", runs->type_name(), "an array");
  if (runs->empty())
    return invalid_input(where, "the list 'runs' is empty", "", "at least one run");
  return {};
}

bool same(const std::optional<double>& a, const std::optional<double>& b) {
  return a && b && *a == *b;
}

}  // namespace

const ReportRun* ReportSweep::baseline() const {
  const auto found = std::ranges::find(runs, "baseline", &ReportRun::role);
  return found == runs.end() ? nullptr : &*found;
}

std::vector<const ReportRun*> ReportSweep::grid() const {
  std::vector<const ReportRun*> found;
  for (const ReportRun& run : runs)
    if (run.role == "grid" && run.marking.empty()) found.push_back(&run);
  return found;
}

std::vector<const ReportRun*> ReportSweep::marked(std::string_view marking) const {
  std::vector<const ReportRun*> found;
  for (const ReportRun& run : runs)
    if (run.marking == marking && run.role != "baseline") found.push_back(&run);
  return found;
}

std::vector<const ReportRun*> ReportSweep::adaptive() const {
  std::vector<const ReportRun*> found;
  for (const ReportRun& run : runs)
    if (run.role != "baseline" && !run.rule.empty() && !run.rule.starts_with("top_k"))
      found.push_back(&run);
  return found;
}

const ReportRun* ReportSweep::grid_twin(const ReportRun& run) const {
  for (const ReportRun* candidate : grid())
    if (same(candidate->alpha, run.alpha) && run.max_k && candidate->max_k == run.max_k)
      return candidate;
  return nullptr;
}

Result<ReportSweep> read_report_sweep(const json& results, std::string_view where) {
  const std::string file(where);
  if (auto checked = check_runs(results, file); !checked)
    return tl::make_unexpected(checked.error());
  ReportSweep sweep;
  if (auto read = read_model(results, file, sweep); !read) return tl::make_unexpected(read.error());
  for (const json& object : results["runs"]) {
    auto run = read_run(object, fmt::format("{}: runs[{}]", file, sweep.runs.size()));
    if (!run) return tl::make_unexpected(run.error());
    sweep.runs.push_back(*std::move(run));
  }
  return sweep;
}

}  // namespace bhroute::evaluation
