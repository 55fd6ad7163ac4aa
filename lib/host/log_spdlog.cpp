#include <spdlog/spdlog.h>

#include "host/log.h"

namespace toxtcp {

void write_log(Log_Level level, const char *message) {
    static_assert(static_cast<int>(Log_Level::error) == static_cast<int>(spdlog::level::err));
    try {
        spdlog::log(static_cast<spdlog::level::level_enum>(level), "toxtcp: {}", message);
    } catch (const std::exception &) {
        // Without a log there is nobody to tell.
    }
}

} // namespace toxtcp
