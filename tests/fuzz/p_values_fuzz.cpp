// The column of p-values that `bhroute fdr` reads.

#include "fuzz/finding.h"
#include "fuzz/target.h"
#include "p_value_file.h"

bool bhroute::fuzz::accepts(std::string_view bytes) {
  const auto values = cli::parse_p_values(bytes, "fuzz.csv");
  if (!values) return false;
  require(!values->empty(), "a column of no p-values");
  for (double p : *values) require(p >= 0.0 && p <= 1.0, "a p-value outside [0, 1]");
  return true;
}
