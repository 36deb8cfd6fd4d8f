// The reader of the original system's pickles.

#include "bhroute/calibration/pickle.h"
#include "fuzz/finding.h"
#include "fuzz/target.h"

bool bhroute::fuzz::accepts(std::string_view bytes) {
  const auto value = calibration::read_pickle(bytes, "fuzz.pkl");
  if (value) require(*value != nullptr, "a pickle without a value");
  return value.has_value();
}
