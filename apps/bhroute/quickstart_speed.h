#pragma once
// How long the model takes for a window, and with how many threads.

#include "model_flags.h"

namespace bhroute::cli {

struct QuickstartSpeed {
  int threads = 0;  ///< as `-t` has them
  double seconds_per_window = 0.0;
  /// The same with every core, where other programs held some and `threads`, fewer, are faster;
  /// else 0.
  double every_core_seconds = 0.0;
};

/// Of the model's own routing: a batch after a window to warm up. Threads that flags name are kept;
/// with 0 fewer than every core are tried where other programs hold some.
Result<QuickstartSpeed> measure_speed(evaluation::ModelRunner& model,
                                      const evaluation::WindowedText& text,
                                      const ModelFlags& flags);

}  // namespace bhroute::cli
