// Waiting for descriptors with a timeout in microseconds.
#pragma once

#include <cstdint>
#include <span>

#include <poll.h>

#include "tools/shared/clock.h"

namespace toxtcp {

/// Like `poll`, with a timeout in microseconds. If the system has only milliseconds, the timeout is rounded up.
[[nodiscard]] inline int poll_us(std::span<pollfd> polled, std::uint64_t us) {
    const auto count = static_cast<nfds_t>(polled.size());
#ifdef __APPLE__
    return poll(polled.data(), count, static_cast<int>(us / 1'000 + (us % 1'000 != 0)));
#else
    const timespec time{static_cast<time_t>(us / SECOND_US), static_cast<long>(us % SECOND_US * 1'000)};
    return ppoll(polled.data(), count, &time, nullptr);
#endif
}

} // namespace toxtcp
