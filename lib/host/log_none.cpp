#include "host/log.h"

namespace toxtcp {

void write_log(Log_Level, const char *) {}

} // namespace toxtcp
