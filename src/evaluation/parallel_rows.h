#pragma once
// Independent rows shared out to a few threads.

#include <cstddef>
#include <functional>

namespace bhroute::evaluation {

/// Calls `work(begin, end)` on contiguous parts of [0, num_rows) that cover it once, at most one a
/// thread and none of fewer than `min_rows` rows (but the last); the caller's thread takes the
/// first. Returns when all are done.
void parallel_rows(std::size_t num_rows, std::size_t num_threads, std::size_t min_rows,
                   const std::function<void(std::size_t, std::size_t)>& work);

/// Rows that are worth a thread of their own, for rows of `width` logits.
std::size_t rows_worth_a_thread(std::size_t width) noexcept;

}  // namespace bhroute::evaluation
