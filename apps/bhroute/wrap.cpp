#include "wrap.h"

#include <algorithm>

namespace bhroute::cli {
namespace {

// What of a word that is longer than `width` goes into a line of its own.
std::size_t first_piece(std::string_view word, std::size_t width) {
  const std::size_t end = word.substr(0, width).find_last_of(",|/");
  return end == std::string_view::npos ? width : end + 1;
}

}  // namespace

std::vector<std::string> wrap(std::string_view text, std::size_t width, std::size_t hanging) {
  const std::size_t longest = width - hanging;  // word, so that each fits every line
  std::vector<std::string> lines{""};
  const auto put = [&](std::string_view word) {
    std::string& line = lines.back();
    if (line.empty())
      line = word;
    else if (line.size() + 1 + word.size() <= width)
      line.append(" ").append(word);
    else
      lines.emplace_back(std::string(hanging, ' ').append(word));
  };
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(" \n"), text.size());
    std::string_view word = text.substr(0, end);
    for (; word.size() > longest; word.remove_prefix(first_piece(word, longest)))
      put(word.substr(0, first_piece(word, longest)));
    if (!word.empty()) put(word);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

}  // namespace bhroute::cli
