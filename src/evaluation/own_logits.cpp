#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "bhroute/core/file.h"
#include "bhroute/core/sha256.h"
#include "bhroute/evaluation/evaluate.h"
#include "decode_text.h"
#include "parallel_rows.h"
#include "scoring_consumer.h"

// The file: a header of one page, the rows [rows, vocab] float32, then one RowSummary a row. It
// appears under its name only when complete, so its size and its header are enough to trust it.

namespace bhroute::evaluation {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kHeaderBytes = 4096;
constexpr std::array<char, 8> kMagic{'B', 'H', 'R', 'O', 'W', 'N', '0', '1'};

struct Header {
  std::array<char, 8> magic = kMagic;
  std::uint64_t num_rows = 0, vocab_size = 0, summary_bytes = sizeof(RowSummary);
  std::array<char, 64> key{};  // SHA-256 of the caller's
};

Header make_header(std::size_t num_rows, std::size_t vocab_size, std::string_view key) {
  Header header;
  header.num_rows = num_rows;
  header.vocab_size = vocab_size;
  const std::string digest = sha256(key);
  std::copy_n(digest.begin(), header.key.size(), header.key.begin());
  return header;
}

// Rows are padded so that the summaries behind them are aligned.
std::size_t summaries_offset(const Header& header) {
  const std::size_t rows = header.num_rows * header.vocab_size * sizeof(float);
  return kHeaderBytes +
         (rows + alignof(RowSummary) - 1) / alignof(RowSummary) * alignof(RowSummary);
}

std::size_t file_bytes(const Header& header) {
  return summaries_offset(header) + header.num_rows * sizeof(RowSummary);
}

class Descriptor {
 public:
  Descriptor(const fs::path& path, int flags) : value_(::open(path.c_str(), flags)) {}
  ~Descriptor() { close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const noexcept { return value_; }
  bool close() noexcept { return value_ < 0 || ::close(std::exchange(value_, -1)) == 0; }

 private:
  int value_;
};

class MappedLogits final : public OwnLogits {
 public:
  MappedLogits(const char* bytes, const Header& header) : bytes_(bytes), header_(header) {}
  ~MappedLogits() override { ::munmap(const_cast<char*>(bytes_), file_bytes(header_)); }
  MappedLogits(const MappedLogits&) = delete;
  MappedLogits& operator=(const MappedLogits&) = delete;

  std::span<const float> row(std::size_t scored_index) const override {
    const auto* rows = reinterpret_cast<const float*>(bytes_ + kHeaderBytes);
    return {rows + scored_index * header_.vocab_size, header_.vocab_size};
  }
  RowSummary summary(std::size_t scored_index) const override {
    RowSummary summary;
    std::memcpy(&summary, bytes_ + summaries_offset(header_) + scored_index * sizeof summary,
                sizeof summary);
    return summary;
  }
  std::size_t num_rows() const override { return header_.num_rows; }

 private:
  const char* bytes_;
  Header header_;
};

// Null if the file is missing, incomplete or of another model, text or setting.
std::unique_ptr<OwnLogits> map_file(const fs::path& path, const Header& wanted) {
  const Descriptor file(path, O_RDONLY | O_CLOEXEC);
  struct stat status {};
  Header found;
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0) return nullptr;
  if (static_cast<std::size_t>(status.st_size) != file_bytes(wanted)) return nullptr;
  if (::pread(file.get(), &found, sizeof found, 0) != static_cast<ssize_t>(sizeof found))
    return nullptr;
  if (std::memcmp(&found, &wanted, sizeof found) != 0) return nullptr;
  void* bytes = ::mmap(nullptr, file_bytes(wanted), PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (bytes == MAP_FAILED) return nullptr;
  return std::make_unique<MappedLogits>(static_cast<const char*>(bytes), wanted);
}

Result<void> check_space(const fs::path& file, std::size_t bytes) {
  const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
  std::error_code problem;
  const fs::space_info space = fs::space(folder, problem);
  if (problem) return failure(folder.string(), "cannot be written: " + problem.message());
  if (space.available < bytes)
    return failure(file.string(), "too little disk space for the own routing's logits",
                   fmt::format("{} bytes free", space.available), fmt::format("{} bytes", bytes));
  return {};
}

// Writes the scored rows in order, each at its place.
class RowWriter final : public LogitsConsumer {
 public:
  RowWriter(int descriptor, const WindowedText& text, Score score, const Header& header)
      : descriptor_(descriptor),
        text_(text),
        score_(score),
        header_(header),
        offsets_(scored_offsets(text, score)),
        summaries_(header.num_rows) {}

  void on_logits(std::size_t window, std::size_t first_position, std::size_t num_positions,
                 const float* logits) override {
    const ScoredSpan part = scored_part(text_, score_, window, first_position, num_positions);
    if (part.count == 0 || error_ != 0) return;
    const std::size_t vocab = header_.vocab_size;
    const std::size_t row =
        offsets_[window] + part.first - scored_span(text_, score_, window).first;
    const float* first = logits + (part.first - first_position) * vocab;
    parallel_rows(part.count, 2, rows_worth_a_thread(vocab),
                  [&](std::size_t begin, std::size_t end) {
                    for (std::size_t i = begin; i < end; ++i)
                      summaries_[row + i] = summarize_row({first + i * vocab, vocab});
                  });
    write(first, part.count * vocab * sizeof(float), kHeaderBytes + row * vocab * sizeof(float));
    num_rows_ += part.count;
  }

  /// Summaries, then the header.
  bool finish() {
    write(summaries_.data(), summaries_.size() * sizeof(RowSummary), summaries_offset(header_));
    write(&header_, sizeof header_, 0);
    return error_ == 0;
  }
  int error() const noexcept { return error_; }
  std::size_t num_rows() const noexcept { return num_rows_; }

 private:
  void write(const void* data, std::size_t size, std::size_t offset) {
    const char* bytes = static_cast<const char*>(data);
    while (size > 0 && error_ == 0) {
      const ssize_t written = ::pwrite(descriptor_, bytes, size, static_cast<off_t>(offset));
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) {
        error_ = errno;
        return;
      }
      bytes += written;
      size -= static_cast<std::size_t>(written);
      offset += static_cast<std::size_t>(written);
    }
  }

  int descriptor_, error_ = 0;
  const WindowedText& text_;
  Score score_;
  const Header& header_;
  std::vector<std::size_t> offsets_;
  std::vector<RowSummary> summaries_;
  std::size_t num_rows_ = 0;
};

Result<void> decode_own(ModelRunner& model, const WindowedText& text, Score score,
                        LogitsConsumer& consumer, ProgressSink& progress) {
  const std::size_t top_k = model.description().top_k;
  if (model.expert_slots() < top_k)
    if (auto set = model.set_expert_slots(top_k); !set) return set;
  auto scope = RoutingScope::enter(model, nullptr, nullptr);
  if (!scope) return tl::make_unexpected(scope.error());
  auto seconds = decode_text(model, text, scored_span(text, score, 0).first, &consumer,
                             "own routing's logits", progress);
  if (!seconds) return tl::make_unexpected(seconds.error());
  return {};
}

Result<void> record(ModelRunner& model, const WindowedText& text, Score score,
                    const fs::path& temporary, const Header& header, ProgressSink& progress) {
  Descriptor file(temporary, O_WRONLY | O_CLOEXEC);
  if (file.get() < 0)
    return failure(temporary.string(), std::string("cannot write: ") + std::strerror(errno));
  RowWriter writer(file.get(), text, score, header);
  if (auto done = decode_own(model, text, score, writer, progress); !done) return done;
  if (!writer.finish() || !file.close())
    return failure(
        temporary.string(),
        std::string("cannot write: ") + std::strerror(writer.error() != 0 ? writer.error() : errno),
        "", fmt::format("{} bytes of disk space", file_bytes(header)));
  if (writer.num_rows() != header.num_rows)
    return failure("model", "not every scored position came out", std::to_string(writer.num_rows()),
                   std::to_string(header.num_rows));
  return {};
}

}  // namespace

Result<std::unique_ptr<OwnLogits>> record_own_logits(ModelRunner& model, const WindowedText& text,
                                                     Score score, const fs::path& file,
                                                     std::string_view key, ProgressSink& progress) {
  const Header header = make_header(num_scored(text, score), model.description().vocab_size, key);
  if (auto existing = map_file(file, header)) return existing;
  std::error_code ignored;
  fs::remove(file, ignored);  // of another model or incomplete: its space is free again
  if (auto enough = check_space(file, file_bytes(header)); !enough)
    return tl::make_unexpected(enough.error());
  // A name of its own: a second process in the same folder must not write into this one's file.
  const auto temporary = make_temporary(file);
  if (!temporary) return tl::make_unexpected(temporary.error());
  auto recorded = record(model, text, score, *temporary, header, progress);
  if (recorded) recorded = put_in_place(*temporary, file);
  if (!recorded) {
    fs::remove(*temporary, ignored);
    return tl::make_unexpected(recorded.error());
  }
  auto mapped = map_file(file, header);
  if (mapped == nullptr) return failure(file.string(), "cannot be mapped after writing");
  return mapped;
}

}  // namespace bhroute::evaluation
