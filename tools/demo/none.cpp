// `toxtcp demo` on systems other than Linux, where it cannot run.
#include <cstdio>

#include "tools/commands.h"

namespace toxtcp {

int run_demo(const Demo_Options &) {
    std::fputs("toxtcp demo: it needs Linux, and this program was built for another system.\n", stderr);
    return EXIT_FAILED;
}

} // namespace toxtcp
