#include "bhroute/calibration/logit_counter.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <iterator>
#include <map>
#include <utility>

namespace bhroute::calibration {
namespace {

constexpr std::array<std::pair<std::string_view, Resolution>, 3> kNames = {
    {{"bf16", Resolution::bf16}, {"f16", Resolution::f16}, {"float32", Resolution::float32}}};

constexpr float kBinsPerUnit = 4096.0f;  // float32: bins of 2^-12
constexpr float kDenseLimit = 4096.0f;   // float32: beyond it the float itself
constexpr std::size_t kPageBits = 8;
constexpr std::size_t kPageSize = std::size_t{1} << kPageBits;

// A grid of a shorter float format, whose values are the floats whose low bits are 0. Cutting them
// off rounds towards 0, so a positive value steps one up.
template <int shift>
struct ShortFloat {
  static constexpr std::uint32_t kStep = std::uint32_t{1} << shift;

  static float round_up(float z, float largest) noexcept {
    const auto bits = std::bit_cast<std::uint32_t>(z);
    std::uint32_t cut = bits & ~(kStep - 1);
    if (cut != bits && z > 0) cut += kStep;
    const float rounded = std::bit_cast<float>(cut);
    return rounded > largest ? largest : rounded < -largest ? -largest : rounded;
  }
  // Rises with the value; -0 and +0 are both 0.
  static std::int32_t bin(float z) noexcept {
    const auto magnitude =
        static_cast<std::int32_t>((std::bit_cast<std::uint32_t>(z) & 0x7fffffff) >> shift);
    return z < 0 ? -magnitude : magnitude;
  }
  static float value(std::int32_t bin) noexcept {
    const float magnitude =
        std::bit_cast<float>(static_cast<std::uint32_t>(bin < 0 ? -bin : bin) << shift);
    return bin < 0 ? -magnitude : magnitude;
  }
};

struct Bf16 : ShortFloat<16> {
  static bool is_dense(float z) noexcept { return std::isfinite(z); }
  static float round_up(float z) noexcept { return ShortFloat::round_up(z, 0x1.fep127f); }
  static std::int32_t bin_above(float z) noexcept { return bin(round_up(z)); }
};

// Normal f16 values are floats of 10 mantissa bits; below 2^-14 they are the multiples of 2^-24,
// which are such floats too.
struct F16 : ShortFloat<13> {
  static bool is_dense(float z) noexcept { return std::isfinite(z); }
  static float round_up(float z) noexcept {
    if (std::fabs(z) < 0x1p-14f) return std::ceil(z * 0x1p24f) * 0x1p-24f;
    return ShortFloat::round_up(z, 65504.0f);
  }
  static std::int32_t bin_above(float z) noexcept { return bin(round_up(z)); }
};

struct Float32 {
  static bool is_dense(float z) noexcept { return std::fabs(z) < kDenseLimit; }  // false for NaN
  static std::int32_t bin_above(float z) noexcept {
    const float scaled = z * kBinsPerUnit;  // exact: a power of 2
    const auto cut = static_cast<std::int32_t>(scaled);
    return cut + (scaled > static_cast<float>(cut) ? 1 : 0);  // std::ceil is a call without SSE 4.1
  }
  static float value(std::int32_t bin) noexcept { return static_cast<float>(bin) / kBinsPerUnit; }
  static float round_up(float z) noexcept { return is_dense(z) ? value(bin_above(z)) : z; }
};

template <class Work>
decltype(auto) with_grid(Resolution resolution, Work&& work) {
  switch (resolution) {
    case Resolution::bf16:
      return work(Bf16{});
    case Resolution::f16:
      return work(F16{});
    case Resolution::float32:
      break;
  }
  return work(Float32{});
}

}  // namespace

// Dense counts in pages that come into being where values fall; the table of pages covers the range
// seen.
struct LogitCounter::Pages {
  using Page = std::array<std::uint64_t, kPageSize>;

  explicit Pages(Resolution r) : resolution(r) {}

  std::uint64_t& count_of(std::int32_t bin) {
    // An arithmetic shift: bin -1 is the last of page -1.
    const std::size_t index = static_cast<std::size_t>((bin >> kPageBits) - first_page);
    if (index >= pages.size() || !pages[index]) return new_page(bin);
    return (*pages[index])[static_cast<std::size_t>(bin) % kPageSize];
  }

  std::uint64_t& new_page(std::int32_t bin) {
    const std::int32_t page = bin >> kPageBits;
    if (pages.empty()) first_page = page;
    if (page < first_page) widen_below(page);
    const auto index = static_cast<std::size_t>(page - first_page);
    if (index >= pages.size()) pages.resize(index + 1);
    if (!pages[index]) pages[index] = std::make_unique<Page>();
    return count_of(bin);
  }

  // At least doubles, so that values that fall and fall do not move the pages each time.
  void widen_below(std::int32_t page) {
    const std::size_t added = std::max(static_cast<std::size_t>(first_page - page), pages.size());
    std::vector<std::unique_ptr<Page>> wider(added);
    std::move(pages.begin(), pages.end(), std::back_inserter(wider));
    pages = std::move(wider);
    first_page -= static_cast<std::int32_t>(added);
  }

  void add_far(float value) {
    if (!std::isfinite(value)) {
      ++num_not_finite;
      return;
    }
    ++far[value];
    ++size;
  }

  template <class Grid>
  void add(Grid, std::span<const float> values) {
    for (float value : values) {
      if (Grid::is_dense(value)) [[likely]] {
        ++count_of(Grid::bin_above(value));
        ++size;
      } else {
        add_far(value);
      }
    }
  }

  // Calls work(value, count) for every value counted in the pages, in rising order.
  template <class Work>
  void for_each_dense(Work work) const {
    for (std::size_t index = 0; index < pages.size(); ++index) {
      if (!pages[index]) continue;
      const std::int32_t first =
          (first_page + static_cast<std::int32_t>(index)) * static_cast<std::int32_t>(kPageSize);
      for (std::size_t i = 0; i < kPageSize; ++i)
        if (const std::uint64_t count = (*pages[index])[i])
          work(first + static_cast<std::int32_t>(i), count);
    }
  }

  Resolution resolution;
  std::int32_t first_page = 0;
  std::vector<std::unique_ptr<Page>> pages;
  std::map<float, std::uint64_t> far;
  std::uint64_t size = 0, num_not_finite = 0;
};

std::string_view to_string(Resolution resolution) noexcept {
  for (const auto& [name, value] : kNames)
    if (value == resolution) return name;
  return "?";
}

Result<Resolution> parse_resolution(std::string_view text) {
  for (const auto& [name, value] : kNames)
    if (name == text) return value;
  return invalid_input("resolution", "unknown resolution", std::string(text),
                       "bf16, f16 or float32");
}

float round_up(Resolution resolution, float z) noexcept {
  return with_grid(resolution,
                   [z](auto grid) { return decltype(grid)::round_up(z) + 0.0f; });  // -0 becomes +0
}

LogitCounter::LogitCounter(Resolution resolution) : pages_(std::make_unique<Pages>(resolution)) {}
LogitCounter::LogitCounter(LogitCounter&&) noexcept = default;
LogitCounter& LogitCounter::operator=(LogitCounter&&) noexcept = default;
LogitCounter::~LogitCounter() = default;

void LogitCounter::add(float value) noexcept { add(std::span(&value, 1)); }

void LogitCounter::add(std::span<const float> values) noexcept {
  with_grid(pages_->resolution, [&](auto grid) { pages_->add(grid, values); });
}

Result<void> LogitCounter::merge(const LogitCounter& other) {
  if (other.pages_->resolution != pages_->resolution)
    return invalid_input("counts", "different resolutions",
                         std::string(to_string(other.pages_->resolution)),
                         std::string(to_string(pages_->resolution)));
  other.pages_->for_each_dense(
      [&](std::int32_t bin, std::uint64_t count) { pages_->count_of(bin) += count; });
  for (const auto& [value, count] : other.pages_->far) pages_->far[value] += count;
  pages_->size += other.pages_->size;
  pages_->num_not_finite += other.pages_->num_not_finite;
  return {};
}

std::uint64_t LogitCounter::size() const noexcept { return pages_->size; }
std::uint64_t LogitCounter::num_not_finite() const noexcept { return pages_->num_not_finite; }

Result<stats::CountedSample> LogitCounter::sample() const {
  if (pages_->size == 0)
    return invalid_input("counts", "nothing was counted", "0 finite values", "at least 1");
  std::vector<float> values;
  std::vector<std::uint64_t> counts;
  const auto append = [&](float value, std::uint64_t count) {
    values.push_back(value);
    counts.push_back(count);
  };
  const auto positive = pages_->far.upper_bound(0.0f);
  for (auto it = pages_->far.begin(); it != positive; ++it) append(it->first, it->second);
  with_grid(pages_->resolution, [&](auto grid) {
    pages_->for_each_dense(
        [&](std::int32_t bin, std::uint64_t count) { append(decltype(grid)::value(bin), count); });
  });
  for (auto it = positive; it != pages_->far.end(); ++it) append(it->first, it->second);
  return stats::CountedSample::create(std::move(values), std::move(counts));
}

}  // namespace bhroute::calibration
