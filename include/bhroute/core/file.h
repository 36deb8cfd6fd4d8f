#pragma once
// Files appear whole or not at all: write to a neighbour, fsync, rename. Reading ends where a stop is asked for
// (bhroute/core/stop.h), also on a pipe that nobody writes to.

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "bhroute/core/error.h"

namespace bhroute {

/// Where a name leads: what is written to a link goes to its target. A loop of links ends at one of them.
std::filesystem::path target_of(std::filesystem::path path);

/// Whether this process's standard output or error goes to the same file, by whatever name.
bool is_standard_stream(const std::filesystem::path& path) noexcept;

/// Replaces `path` by `content`; the mode of a file that was there stays. A link is followed; a device, a pipe or what standard
/// output goes to is written to as it is, never replaced. Errors (failure): the folder is missing or not writable, the disk is full.
Result<void> write_file(const std::filesystem::path& path, std::string_view content);

/// A new, empty file beside `path` for what is written as it comes: `NAME.bhroute-<pid>-<count>.tmp`, a name that was free before, also
/// where processes in containers have one number. Errors (failure): the folder is missing or not writable, or `path` is a device or a pipe.
Result<std::filesystem::path> make_temporary(const std::filesystem::path& path);

/// The last step of every file that is written as it comes: all of `temporary`, in the same folder, is put on the disk, then
/// renamed to `path`. Errors (failure): as write_file's; `temporary` is then gone.
Result<void> put_in_place(const std::filesystem::path& temporary, const std::filesystem::path& path);

/// Removes from `folder` what killed processes left of files under way (make_temporary), and nothing else: other
/// files stay, as do those of processes that are alive. Only for who holds the folder's lock, before writing there.
void remove_leftovers(const std::filesystem::path& folder) noexcept;

/// The whole file or pipe. Errors: missing, unreadable, a folder, or larger than `max_bytes` (bhroute/core/file_limits.h), which
/// is told before anything is read where the size is known.
Result<std::string> read_file(const std::filesystem::path& path, std::size_t max_bytes);
/// `size` bytes from byte `begin` on, or what there is of them. Errors: missing, unreadable, or a folder.
Result<std::string> read_part(const std::filesystem::path& path, std::size_t begin, std::size_t size);
/// The size of a regular file; none of a pipe, a device or what is not there.
std::optional<std::size_t> size_of_file(const std::filesystem::path& path) noexcept;
/// All of standard input, which messages call "stdin". Errors: reading failed, or more than `max_bytes`.
Result<std::string> read_stdin(std::size_t max_bytes);

}  // namespace bhroute
