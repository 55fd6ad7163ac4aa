// Where a host's snapshots come from: a file, a FIFO, or a Unix socket. One is read bit by bit, so that whoever reads it
// waits for other things too, and within one limit for the whole, however its bytes come.
#pragma once

#include <cstdint>
#include <string>

namespace toxtcp {

struct Snapshot_Source {
    std::string path;
    int descriptor = -1;          ///< to be polled for reading; -1: nothing is being read
    std::uint64_t give_up_at = 0; ///< us, when what is being read is given up
    std::uint64_t written_at = 0; ///< us on the clock of `now_us`, at the latest: when what is being read was written
    std::string text;             ///< as far as it has come
};

enum class Source_State : std::uint8_t {
    reading, ///< call `source_read` when the descriptor is readable, and at `give_up_at`
    whole,   ///< `text` is all of it
    failed
};

/// Opens it. Not `whole` yet. With `error` when it fails.
[[nodiscard]] Source_State source_open(Snapshot_Source &source, std::string &error);

/// Takes what has come, and no more than a portion; never waits. With `error` when it fails. Unless it is still to be
/// read, the source is closed.
[[nodiscard]] Source_State source_read(Snapshot_Source &source, std::string &error);

/// Any number of times.
void source_close(Snapshot_Source &source);

} // namespace toxtcp
