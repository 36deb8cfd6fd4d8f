#pragma once
// A ranking as a person reads it.

#include <string>

#include "bhroute/evaluation/tune.h"

namespace bhroute::cli {

std::string readable(const evaluation::TuneResult& result, const std::string& output);

}  // namespace bhroute::cli
