#include "bhroute/evaluation/report.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "bhroute/core/json.h"
#include "report_assets.h"

namespace bhroute::evaluation {
namespace {

using nlohmann::json;

// In a script block any "<" might end it or open a comment; as an escape it means the same to JSON.
std::string escape_for_script(std::string text) {
  std::string escaped;
  escaped.reserve(text.size() + text.size() / 64);
  for (const char c : text) {
    if (c == '<')
      escaped += "\\u003c";
    else
      escaped += c;
  }
  return escaped;
}

// Losses of single tokens pair configurations; no figure needs them and they would dwarf the rest.
json without_token_losses(json results) {
  for (json& run : results["runs"]) run.erase("token_losses");
  return results;
}

std::string page_data(const json& results, std::span<const json> others,
                      const std::vector<std::string>& sentences) {
  json data{{"results", without_token_losses(results)},
            {"others", json::array()},
            {"verdict", sentences}};
  for (const json& other : others) data["others"].push_back(without_token_losses(other));
  return escape_for_script(dump_json(data));
}

// One pass over the template, so that a placeholder's spelling inside a part is left alone.
std::string fill(std::string_view page,
                 const std::vector<std::pair<std::string_view, std::string_view>>& parts) {
  std::string filled;
  for (const auto& [placeholder, part] : parts) {
    const std::size_t at = page.find(placeholder);
    filled.append(page.substr(0, at)).append(part);
    page.remove_prefix(at + placeholder.size());
  }
  return filled.append(page);
}

}  // namespace

Result<std::string> render_report(const json& results, std::string_view where,
                                  std::span<const json> others) {
  return verdict(results, where, others).map([&](const std::vector<std::string>& sentences) {
    const ReportAssets assets = report_assets();
    const std::string data = page_data(results, others, sentences);
    return fill(assets.page, {{"@@STYLE@@", assets.style},
                              {"@@DATA@@", data},
                              {"@@PLOTLY@@", assets.plotly},
                              {"@@SCRIPTS@@", assets.scripts}});
  });
}

}  // namespace bhroute::evaluation
