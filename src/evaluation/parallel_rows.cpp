#include "parallel_rows.h"

#include <algorithm>
#include <thread>
#include <vector>

namespace bhroute::evaluation {

void parallel_rows(std::size_t num_rows, std::size_t num_threads, std::size_t min_rows,
                   const std::function<void(std::size_t, std::size_t)>& work) {
  const std::size_t most = std::max<std::size_t>(num_threads, 1);
  const std::size_t part = std::max({(num_rows + most - 1) / most, min_rows, std::size_t{1}});
  std::vector<std::jthread> threads;
  for (std::size_t begin = part; begin < num_rows; begin += part)
    threads.emplace_back(
        [&work, begin, end = std::min(begin + part, num_rows)] { work(begin, end); });
  if (num_rows > 0) work(0, std::min(part, num_rows));
}

std::size_t rows_worth_a_thread(std::size_t width) noexcept {
  constexpr std::size_t kLogits = 1 << 16;  // about 0.2 ms of work; starting a thread costs 0.02 ms
  return kLogits / std::max<std::size_t>(width, 1) + 1;
}

}  // namespace bhroute::evaluation
