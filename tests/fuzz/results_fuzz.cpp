// Files of results: one run's, and a sweep's as the report reads it.

#include <nlohmann/json.hpp>

#include "bhroute/core/json.h"
#include "bhroute/evaluation/report.h"
#include "bhroute/evaluation/run_result.h"
#include "fuzz/finding.h"
#include "fuzz/target.h"

namespace bhroute::fuzz {
namespace {

using nlohmann::json;

bool is_run(const json& object) {
  const auto run = evaluation::run_result_from_json(object, "fuzz.json");
  if (run) evaluation::to_json(*run, true).dump();
  return run.has_value();
}

bool is_sweep(const json& results) {
  const std::vector<json> others(1, results);
  const auto page = evaluation::render_report(results, "fuzz.json", others);
  if (page) require(!page->empty(), "an empty report");
  return page.has_value();
}

}  // namespace

bool accepts(std::string_view bytes) {
  const auto object = parse_json(bytes, "fuzz.json");
  if (!object) return false;
  const bool run =
      is_run(object->is_object() && object->contains("run") ? (*object)["run"] : *object);
  return is_sweep(*object) || run;
}

}  // namespace bhroute::fuzz
