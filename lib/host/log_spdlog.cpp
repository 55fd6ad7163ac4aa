#include <spdlog/spdlog.h>

#include "host/log.h"

namespace toxtcp {

void write_log(Log_Level level, const char *message) {
    static_assert(static_cast<int>(Log_Level::error) == static_cast<int>(spdlog::level::err));
    try {
        spdlog::log(static_cast<spdlog::level::level_enum>(level), "toxtcp: {}", message);
    } catch (const std::exception &) {
        // If the log fails, there is nowhere to report it.
    }
}

} // namespace toxtcp
