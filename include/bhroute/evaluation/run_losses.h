#pragma once
// Losses of single tokens on disk: little-endian float32 beside the JSON that names their hash.

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "bhroute/core/error.h"

namespace bhroute::evaluation {

/// Writes the losses and puts `losses_file` (a name beside the JSON) and `losses_sha256` into
/// `object`.
Result<void> write_losses(const std::filesystem::path& path, const std::vector<float>& losses,
                          nlohmann::json& object);

/// The losses that `object` names. Errors: no such file in `folder`; another length or hash than
/// named.
Result<std::vector<float>> read_losses(const std::filesystem::path& folder,
                                       const nlohmann::json& object, std::size_t count);

}  // namespace bhroute::evaluation
