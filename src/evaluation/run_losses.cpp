#include "bhroute/evaluation/run_losses.h"

#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>

#include "bhroute/core/file.h"
#include "bhroute/core/file_limits.h"
#include "bhroute/core/sha256.h"

namespace bhroute::evaluation {
namespace {

using nlohmann::json;
static_assert(std::endian::native == std::endian::little, "losses are stored little-endian");

std::string text_at(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

}  // namespace

Result<void> write_losses(const std::filesystem::path& path, const std::vector<float>& losses,
                          json& object) {
  const std::string_view bytes(reinterpret_cast<const char*>(losses.data()),
                               losses.size() * sizeof(float));
  object["losses_file"] = path.filename().string();
  object["losses_sha256"] = sha256(bytes);
  return write_file(path, bytes);
}

Result<std::vector<float>> read_losses(const std::filesystem::path& folder, const json& object,
                                       std::size_t count) {
  // A name only: a file from a stranger may not point anywhere else.
  const std::filesystem::path name =
      std::filesystem::path(text_at(object, "losses_file")).filename();
  if (name.empty())
    return invalid_input(folder.string(), "the losses of single tokens are not there");
  const auto path = folder / name;
  auto content = read_file(path, kMaxLossBytes);
  if (!content) return tl::make_unexpected(content.error());
  // Divided, not multiplied: the count is the stranger's, and count * sizeof(float) may wrap to the
  // size.
  if (content->size() % sizeof(float) != 0 || content->size() / sizeof(float) != count ||
      sha256(*content) != text_at(object, "losses_sha256"))
    return invalid_input(path.string(), "not the losses that the run's JSON names");
  std::vector<float> losses(count);
  std::memcpy(losses.data(), content->data(), content->size());
  return losses;
}

}  // namespace bhroute::evaluation
