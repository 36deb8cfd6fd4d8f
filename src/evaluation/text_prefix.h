#pragma once
// The beginning of a text in a file, as tokens, without reading the rest.

#include <filesystem>
#include <vector>

#include "bhroute/evaluation/model_runner.h"

namespace bhroute::evaluation {

/// The first `num_tokens` tokens of what the whole text's tokenization has (fewer where the text
/// ends before). A beginning of the file is tokenized, and a longer one: where both agree on that
/// many tokens, no more is read. A tokenizer that looks farther ahead than half of what was read
/// would not be noticed; llama.cpp's split at words. One trailing newline of the whole text is
/// dropped. Memory: a few times the bytes of those tokens. Errors: those of reading and of the
/// tokenizer.
Result<std::vector<Token>> tokenize_prefix(ModelRunner& model, const std::filesystem::path& file,
                                           std::size_t num_tokens);

}  // namespace bhroute::evaluation
