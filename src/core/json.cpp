#include "bhroute/core/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "bhroute/core/file.h"

namespace bhroute {
namespace {

using nlohmann::json;

// Bytes of memory, rounded up: a value in a vector that doubles, the nodes and headers of
// containers and of texts.
constexpr std::size_t kValueCost = 3 * sizeof(json), kContainerCost = 64, kMemberCost = 112,
                      kTextCost = 48;

// Line and column, counted from 1, of the last of the `num_read` bytes.
std::string place_of(std::string_view content, std::size_t num_read) {
  const std::size_t last = std::min(std::max<std::size_t>(num_read, 1) - 1, content.size());
  const std::string_view before = content.substr(0, last);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  return fmt::format("line {}, column {}", line, before.size() - before.rfind('\n'));
}

// Builds the value as the parser meets it, and stops at the first fault.
class Builder : public json::json_sax_t {
 public:
  Builder(std::string_view content, const std::string& where) : content_(content), where_(where) {}

  Result<json> take() && {
    if (error_) return tl::make_unexpected(*std::move(error_));
    return std::move(root_);
  }

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t&) override { return add(value); }
  bool string(string_t& value) override {
    const std::size_t bytes = kTextCost + value.capacity();
    return spend(bytes) && add(std::move(value));
  }
  bool binary(binary_t&) override { return false; }  // JSON has none

  bool start_object(std::size_t) override { return open(json::object()); }
  bool start_array(std::size_t) override { return open(json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    if (!spend(kMemberCost + name.size())) return false;
    auto& members = open_.back()->get_ref<json::object_t&>();
    const auto [member, is_new] = members.emplace(name, nullptr);
    member_ = &member->second;
    return is_new || refuse("a key twice in one object", dump_json(name.substr(0, 60)));
  }

  bool parse_error(std::size_t position, const std::string&, const json::exception&) override {
    return refuse(fmt::format("not JSON ({})", place_of(content_, position)));
  }

 private:
  bool refuse(std::string what, std::string got = "", std::string want = "") {
    error_ = invalid_input(where_, std::move(what), std::move(got), std::move(want)).value();
    return false;
  }

  bool spend(std::size_t bytes) {
    memory_ += bytes;
    return memory_ <= kMaxJsonMemory ||
           refuse("JSON that takes too much memory",
                  fmt::format("more than {} MiB", kMaxJsonMemory >> 20), "less");
  }

  // Pointers to open values stay good: nothing is added to a value before the one within is closed.
  json* place(json value) {
    if (open_.empty()) return &(root_ = std::move(value));
    if (!open_.back()->is_array()) return &(*member_ = std::move(value));
    open_.back()->push_back(std::move(value));
    return &open_.back()->back();
  }

  bool add(json value) {
    if (!spend(kValueCost)) return false;
    place(std::move(value));
    return true;
  }

  bool open(json container) {
    if (open_.size() == kMaxJsonDepth)
      return refuse("JSON nested too deep", fmt::format("{} levels", kMaxJsonDepth + 1),
                    fmt::format("at most {}", kMaxJsonDepth));
    if (!spend(kValueCost + kContainerCost)) return false;
    open_.push_back(place(std::move(container)));
    return true;
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  std::string_view content_;
  const std::string& where_;
  json root_;
  std::vector<json*> open_;
  json* member_ = nullptr;  // the value of the key that was read last
  std::size_t memory_ = 0;
  std::optional<Error> error_;
};

}  // namespace

Result<json> parse_json(std::string_view content, const std::string& where) {
  Builder builder(content, where);
  json::sax_parse(content.begin(), content.end(), &builder);
  return std::move(builder).take();
}

Result<json> read_json(const std::filesystem::path& path, std::size_t max_bytes) {
  const auto content = read_file(path, max_bytes);
  if (!content) return tl::make_unexpected(content.error());
  return parse_json(*content, path.string());
}

std::string dump_json(const json& value, int indent) {
  return value.dump(indent, ' ', false, json::error_handler_t::replace);
}

// "[json.exception.out_of_range.403] key 'model' not found"
std::string json_problem(std::string_view what) {
  const std::size_t end = what.starts_with('[') ? what.find("] ") : std::string_view::npos;
  return std::string(end == std::string_view::npos ? what : what.substr(end + 2));
}

}  // namespace bhroute
