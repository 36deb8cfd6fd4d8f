// fdr_vectors VECTORS METHOD MASKS: the masks of many vectors of p-values, and the CPU time they
// took.
//
// VECTORS: for each vector its length (u64), alpha (f64) and p-values (f64), in the machine's byte
// order. MASKS: one byte a p-value, in order. Prints, as JSON, the seconds of the masks alone and
// of whole runs (masks, order, adjusted p-values). Driven by bench/fdr_vs_statsmodels.py.

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <ctime>
#include <string>
#include <vector>

#include "bhroute/core/file.h"
#include "bhroute/stats/reject.h"

namespace {

namespace stats = bhroute::stats;

struct Problem {
  stats::Procedure procedure;
  std::vector<double> p_values;
};

template <class T>
bool take(std::string_view& bytes, T* values, std::size_t count) {
  if (count > bytes.size() / sizeof(T)) return false;
  if (count > 0) std::memcpy(values, bytes.data(), count * sizeof(T));
  bytes.remove_prefix(count * sizeof(T));
  return true;
}

bool take(std::string_view& bytes, const std::string& method, Problem& problem) {
  std::uint64_t size = 0;
  double alpha = 0.0;
  if (!take(bytes, &size, 1) || !take(bytes, &alpha, 1) || size > bytes.size() / sizeof(double))
    return false;
  const auto procedure = stats::make_procedure(method, {.alpha = alpha});
  if (!procedure) return false;
  problem.procedure = *procedure;
  problem.p_values.resize(size);
  return take(bytes, problem.p_values.data(), size);
}

/// Of this process's CPU time, which other programs on the machine lengthen little: the best of
/// three.
template <class Work>
double seconds(Work work) {
  double best = 1e300;
  for (int repeat = 0; repeat < 3; ++repeat) {
    const std::clock_t start = std::clock();
    work();
    best = std::min(best, static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
  }
  return best;
}

int fail(const std::string& message) {
  fmt::print(stderr, "fdr_vectors: {}\n", message);
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return fail("want VECTORS METHOD MASKS");
  const auto content = bhroute::read_file(argv[1], std::size_t{1} << 32);
  if (!content) return fail(to_string(content.error()));
  std::vector<Problem> problems;
  std::size_t total = 0, checksum = 0;
  for (std::string_view rest = *content; !rest.empty(); total += problems.back().p_values.size())
    if (!take(rest, argv[2], problems.emplace_back()))
      return fail("a damaged file or a bad method");
  std::vector<std::uint8_t> masks(total);
  const double masks_alone = seconds([&] {
    checksum = 0;
    std::span<std::uint8_t> left = masks;
    for (const Problem& one : problems) {
      checksum += stats::reject(one.procedure, one.p_values, left.first(one.p_values.size()));
      left = left.subspan(one.p_values.size());
    }
  });
  std::size_t whole_checksum = 0;
  const double whole = seconds([&] {
    whole_checksum = 0;
    for (const Problem& one : problems)
      whole_checksum += stats::run(one.procedure, one.p_values).num_rejections;
  });
  if (checksum != whole_checksum) return fail("reject() and run() differ");
  const std::string bytes(masks.begin(), masks.end());
  if (auto ok = bhroute::write_file(argv[3], bytes); !ok) return fail(to_string(ok.error()));
  fmt::print("{{\"mask_seconds\": {}, \"whole_seconds\": {}, \"rejected\": {}}}\n", masks_alone,
             whole, checksum);
  return 0;
}
