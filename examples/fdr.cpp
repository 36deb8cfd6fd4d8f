// Multiple testing without a mixture of experts: p-values in, rejections out.
//
// Link with bhroute_stats:
//   target_link_libraries(my_program PRIVATE bhroute_stats)

#include <cstdint>
#include <cstdio>
#include <vector>

#include "bhroute/stats/procedure.h"
#include "bhroute/stats/reject.h"

int main() {
  namespace stats = bhroute::stats;
  const std::vector<double> p_values{0.010, 0.013, 0.014, 0.190, 0.350, 0.500, 0.630, 0.670};

  // A procedure by its name; an unknown name or a bad alpha is an error value, not an exception.
  const auto bh = stats::make_procedure("bh", {.alpha = 0.05});
  if (!bh) {
    std::printf("%s\n", to_string(bh.error()).c_str());
    return 2;
  }

  // Everything about one run: which are rejected, adjusted p-values, critical values by rank.
  const stats::TestResult result = stats::run(*bh, p_values);
  std::printf("Benjamini-Hochberg rejects %zu of %zu\n", result.num_rejections, p_values.size());
  for (std::size_t i = 0; i < p_values.size(); ++i)
    std::printf("  p = %.3f  adjusted %.4f  %s\n", p_values[i], result.adjusted_p_values[i],
                result.mask[i] ? "rejected" : "-");

  // A procedure is also a plain struct. The mask alone, where speed counts: no sort.
  std::vector<std::uint8_t> mask(p_values.size());
  std::printf("Holm rejects %zu\n", stats::reject(stats::Holm{.alpha = 0.05}, p_values, mask));
  std::printf("Storey rejects %zu\n",
              stats::reject(stats::Storey{.alpha = 0.05, .lambda = 0.5}, p_values, mask));
  return 0;
}
