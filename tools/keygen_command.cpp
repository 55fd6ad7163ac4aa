#include <cstdio>

#include <nlohmann/json.hpp>

#include "commands.h"
#include "key_file.h"

namespace toxtcp {

int run_keygen(const Keygen_Options &options) {
    Secret_Key key;
    std::string error;
    if (!create_key_file(options.key_file, key, error)) {
        std::fprintf(stderr, "toxtcp keygen: %s.\n", error.c_str());
        return EXIT_FAILED;
    }
    const std::string public_key = to_string(public_key_of(key));
    if (options.json) {
        std::printf("%s\n", nlohmann::json{{"key_file", options.key_file}, {"public_key", public_key}}.dump().c_str());
    } else {
        std::printf("%s\n", public_key.c_str());
    }
    if (std::fflush(stdout) != 0) {
        std::fprintf(stderr, "toxtcp keygen: the key is made, but standard output cannot be written to.\n");
        return EXIT_FAILED;
    }
    return EXIT_DONE;
}

} // namespace toxtcp
