// Lists of configurations, as the sweep reads them; what is read is written and read again.

#include "bhroute/evaluation/sweep.h"
#include "fuzz/finding.h"
#include "fuzz/target.h"

bool bhroute::fuzz::accepts(std::string_view bytes) {
  if (bytes.find('/') != std::string_view::npos)
    return false;  // a policy may be a file's name: none outside the folder
  const auto list = evaluation::parse_configurations(bytes, "fuzz.json");
  if (!list) return false;
  require(!list->empty(), "a list of no configurations");
  const auto again =
      evaluation::parse_configurations(evaluation::configurations_to_json(*list), "fuzz.json");
  require(again.has_value(), "a list that its own reader refuses");
  require(again->size() == list->size(), "a list that changes its length");
  for (std::size_t i = 0; i < list->size(); ++i)
    require((*again)[i].policy == (*list)[i].policy && (*again)[i].name == (*list)[i].name,
            "a configuration that changes when it is written and read");
  return true;
}
