// The source of a host's snapshots: a file, a FIFO, or a Unix socket. A snapshot is read in portions, so that the
// caller can wait for other things in between. One time limit holds for the whole snapshot.
#pragma once

#include <cstdint>
#include <string>

namespace toxtcp {

struct Snapshot_Source {
    std::string path;
    int descriptor = -1;          ///< to be polled for reading; -1: no snapshot is being read
    std::uint64_t timeout_at = 0; ///< us, when reading this snapshot fails
    std::uint64_t written_at = 0; ///< us, when this snapshot was written, or later
    std::string text;             ///< what has been read so far
};

enum class Source_State : std::uint8_t {
    reading, ///< call `source_read` when the descriptor is readable, and at `timeout_at`
    whole,   ///< `text` is the whole snapshot; the source is closed
    failed   ///< the source is closed
};

/// Opens the source. Returns `reading`, or `failed` with `error`.
[[nodiscard]] Source_State source_open(Snapshot_Source &source, std::string &error);

/// Reads the bytes that have come, at most one portion. Does not wait. For `failed`, `error` is set.
[[nodiscard]] Source_State source_read(Snapshot_Source &source, std::string &error);

/// Closes the source. May be called again.
void source_close(Snapshot_Source &source);

} // namespace toxtcp
