// Whether arrays, indexes and counts agree. For tests: it walks everything.
#pragma once

#include "connections/core.h"

namespace toxtcp {

/// Null when all agrees, else what does not.
[[nodiscard]] const char *validate(const Tcp_Connections &c);

} // namespace toxtcp
