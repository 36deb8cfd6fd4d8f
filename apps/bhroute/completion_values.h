#pragma once

#include <string>
#include <vector>

namespace bhroute::cli {

/// What a shell offers for a flag's value.
struct CompletionValues {
  enum class Kind { nothing, files, folders, words, program };
  Kind kind = Kind::nothing;
  std::vector<std::string> words;  ///< of `words`
};

/// By the value's name in the help: "GGUF" is a file, "WAY" one of three words, "N" nothing.
CompletionValues completion_values(const std::string& value_name);

}  // namespace bhroute::cli
