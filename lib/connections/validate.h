// For tests: whether arrays, indexes and counts agree. Checks every relay and every connection.
#pragma once

#include "connections/core.h"

namespace toxtcp {

/// Null when all agree, otherwise a text that says what does not.
[[nodiscard]] const char *validate(const Tcp_Connections &c);

} // namespace toxtcp
