// The log of the default host. One of two files is built: log_spdlog.cpp or log_none.cpp.
#pragma once

#include <toxtcp/host.h>

namespace toxtcp {

void write_log(Log_Level level, const char *message);

} // namespace toxtcp
