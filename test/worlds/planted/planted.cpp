// Checks that the worlds can fail. The program is linked with a library that has a fault planted in it. It runs the
// named worlds until one fails for the expected reason; if none does, the program fails. The arguments: a text that the
// failure contains, and the worlds. With "" for the text all worlds must hold, as with a library without a fault.
#include <cstdio>
#include <string>

#include "worlds/worlds.h"

int main(int argc, char **argv) {
    if (argc < 3) {
        std::fprintf(stderr, "usage: %s TEXT WORLD...\n", argv[0]);
        return 2;
    }
    const std::string expected = argv[1];
    bool held = true;
    for (int i = 2; i < argc; ++i) {
        toxtcp::World_Case world;
        if (!toxtcp::parse_world(argv[i], world)) {
            std::fprintf(stderr, "no such world: %s\n", argv[i]);
            return 2;
        }
        const std::string fault = toxtcp::run_world(world).fault;
        std::printf("%s: %s\n", argv[i], fault.empty() ? "all held" : fault.c_str());
        if (!expected.empty() && fault.find(expected) != std::string::npos) {
            return 0;
        }
        held = held && fault.empty();
    }
    return expected.empty() && held ? 0 : 1;
}
