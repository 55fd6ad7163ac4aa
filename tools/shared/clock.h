// The clock of the program: microseconds on the system's monotonic clock.
#pragma once

#include <cstdint>
#include <ctime>

namespace toxtcp {

inline constexpr std::uint64_t SECOND_US = 1'000'000;

[[nodiscard]] inline std::uint64_t now_us() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::uint64_t>(now.tv_sec) * SECOND_US + static_cast<std::uint64_t>(now.tv_nsec) / 1'000;
}

} // namespace toxtcp
