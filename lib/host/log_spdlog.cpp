#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include "host/log.h"

namespace toxtcp {

namespace {

/// The program's logger, if it has registered one of this name; otherwise a new one, which writes to standard error.
spdlog::logger &logger() {
    constexpr const char *NAME = "toxtcp";
    static const std::shared_ptr<spdlog::logger> kept = [] {
        const std::shared_ptr<spdlog::logger> of_program = spdlog::get(NAME);
        return of_program != nullptr ? of_program : spdlog::stderr_color_mt(NAME);
    }();
    return *kept;
}

} // namespace

void write_log(Log_Level level, const char *message) {
    static_assert(static_cast<int>(Log_Level::error) == static_cast<int>(spdlog::level::err));
    try {
        logger().log(static_cast<spdlog::level::level_enum>(level), spdlog::string_view_t{message});
    } catch (const std::exception &) {
        // If the log fails, there is nowhere to report it.
    }
}

} // namespace toxtcp
