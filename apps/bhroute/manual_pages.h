#pragma once
// The manual as documents.

#include <string>

#include "manual.h"

namespace bhroute::cli {

/// A man page of section 1, in roff's `man` macros.
std::string roff_page(const Manual& manual);
/// The reference of docs/commands.md.
std::string markdown_page(const Manual& manual);

}  // namespace bhroute::cli
