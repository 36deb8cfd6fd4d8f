#pragma once
// Files appear whole or not at all: write to a neighbour, fsync, rename.

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "bhroute/core/error.h"

namespace bhroute {

/// Replaces `path` by `content`. Errors (failure): the folder is missing or not writable, the disk is full.
Result<void> write_file(const std::filesystem::path& path, std::string_view content);

/// A new, empty file beside `path` for what is written as it comes: `NAME.bhroute-<pid>-<count>.tmp`, a name that was free before, also
/// where processes in containers have one number. Errors (failure): the folder is missing or not writable.
Result<std::filesystem::path> make_temporary(const std::filesystem::path& path);

/// The last step of every file that is written as it comes: all of `temporary`, in the same folder, is put on the disk, then
/// renamed to `path`. Errors (failure): as write_file's; `temporary` is then gone.
Result<void> put_in_place(const std::filesystem::path& temporary, const std::filesystem::path& path);

/// Removes from `folder` what killed processes left of files under way (make_temporary), and nothing else: other
/// files stay, as do those of processes that are alive. Only for who holds the folder's lock, before writing there.
void remove_leftovers(const std::filesystem::path& folder) noexcept;

/// The whole file. Errors: missing, unreadable, a folder, or larger than `max_bytes`.
Result<std::string> read_file(const std::filesystem::path& path, std::size_t max_bytes = std::size_t{1} << 30);

}  // namespace bhroute
