// Runs a fuzz target without libFuzzer, over the files and folders that are named: a test against faults that return.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <vector>

#include "fuzz/fuzz.h"

namespace {

namespace fs = std::filesystem;

void replay(const fs::path &path) {
    std::ifstream file(path, std::ios::binary);
    const std::vector<char> content{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    // A buffer of exactly the input's size, so that AddressSanitizer reports a read beyond it.
    const auto input = std::make_unique<std::uint8_t[]>(content.size());
    std::copy(content.begin(), content.end(), input.get());
    // Printed first, so that a crash shows its input.
    std::fprintf(stderr, "%s\n", path.filename().c_str());
    LLVMFuzzerTestOneInput(input.get(), content.size());
}

} // namespace

int main(int argc, char **argv) {
    std::vector<fs::path> paths;
    for (int i = 1; i < argc; ++i) {
        if (!fs::is_directory(argv[i])) {
            paths.emplace_back(argv[i]);
            continue;
        }
        for (const fs::directory_entry &entry : fs::directory_iterator(argv[i])) {
            paths.push_back(entry.path());
        }
    }
    if (paths.empty()) {
        std::fprintf(stderr, "no input: name files, or folders of them\n");
        return 1;
    }
    std::sort(paths.begin(), paths.end());
    for (const fs::path &path : paths) {
        replay(path);
    }
    std::printf("%zu inputs\n", paths.size());
    return 0;
}
