#include "sweep_results.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "bhroute/core/file_format.h"
#include "bhroute/core/json.h"
#include "result_fields.h"

namespace bhroute::evaluation {
namespace {

using nlohmann::json;

std::vector<std::string> text_columns() {
  return {"name", "role", "marking", "null", "table", "policy"};
}

std::vector<std::string> number_columns() {
  std::vector<std::string> columns;
  for (const auto& field : kRealFields) columns.emplace_back(field.key);
  for (const auto& field : kCountFields) columns.emplace_back(field.key);
  for (const auto& field : kOptionalFields) columns.emplace_back(field.key);
  return columns;
}

std::string quoted(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string cell = "\"";
  for (const char c : text) cell.append(c == '"' ? 2 : 1, c);  // a quote is doubled
  return cell.append(1, '"');
}

std::string join(const std::vector<std::string>& cells) {
  return fmt::format("{}\r\n", fmt::join(cells, ","));
}

std::string csv_line(const RunResult& run) {
  json object = to_json(run, false);
  object["policy"] = routing::to_string(run.policy);
  std::vector<std::string> cells;
  for (const auto& column : text_columns()) cells.push_back(quoted(object[column]));
  for (const auto& column : number_columns())
    cells.push_back(object.contains(column) ? dump_json(object[column]) : "");
  return join(cells);
}

std::string one_a_line(const SweepOutcome& outcome) {
  std::string list;
  for (const RunResult& run : outcome.runs)
    list += (list.empty() ? "\n" : ",\n") + dump_json(to_json(run, false));
  return "[" + list + "\n]";
}

}  // namespace

std::string format_results(const json& record, const SweepOutcome& outcome) {
  json rest = record;
  rest["notes"] = outcome.notes;
  rest[kFormatVersionKey] = kResultsFormat.version;
  std::string text = "{\n";
  for (const auto& [key, value] : rest.items())
    text += dump_json(key) + ": " + dump_json(value) + ",\n";
  return text + "\"runs\": " + one_a_line(outcome) + "\n}\n";
}

std::string format_csv(const SweepOutcome& outcome) {
  auto columns = text_columns();
  for (auto& column : number_columns()) columns.push_back(column);
  std::string text = join(columns);
  for (const RunResult& run : outcome.runs) text += csv_line(run);
  return text;
}

}  // namespace bhroute::evaluation
