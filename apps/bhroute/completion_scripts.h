#pragma once
// The manual as a completion script; `bhroute completions SHELL` prints it.

#include <string>

#include "manual.h"

namespace bhroute::cli {

std::string bash_completions(const Manual& manual);
std::string zsh_completions(const Manual& manual);
std::string fish_completions(const Manual& manual);

}  // namespace bhroute::cli
