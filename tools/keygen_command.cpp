// `toxtcp keygen`: makes a key file, and prints its public key.
#include <nlohmann/json.hpp>

#include "tools/commands.h"
#include "tools/shared/key_file.h"
#include "tools/shared/output.h"

namespace toxtcp {

int run_keygen(const Keygen_Options &options) {
    Secret_Key key;
    std::string error;
    if (!create_key_file(options.key_file, key, error)) {
        print_error("keygen", error);
        return EXIT_FAILED;
    }
    const std::string public_key = to_string(public_key_of(key));
    const nlohmann::json json{{"key_file", options.key_file}, {"public_key", public_key}};
    // The name of a file need not be valid UTF-8.
    const std::string line =
        options.json ? json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) : public_key;
    if (!print(line + '\n', error)) {
        print_error("keygen", "the key is made, but " + error);
        return EXIT_FAILED;
    }
    return EXIT_DONE;
}

} // namespace toxtcp
