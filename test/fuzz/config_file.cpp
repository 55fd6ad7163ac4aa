// Fuzz target: a config file of any bytes is read, or refused with a line and a cause. What is read can be written and
// read again.
#include <string>

#include "fuzz/fuzz.h"
#include "tools/shared/config_file.h"

using namespace toxtcp;

namespace {

std::string print(const std::vector<Setting> &settings) {
    std::string text;
    for (const Setting &setting : settings) {
        const char quote = setting.value.find('"') == std::string::npos ? '"' : '\'';
        text += setting.name + " = " + quote + setting.value + quote + '\n';
    }
    return text;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size) {
    const std::string text{reinterpret_cast<const char *>(data), size};
    std::vector<Setting> settings;
    std::string error;
    if (!parse_config(text, settings, error)) {
        fuzz_check(settings.empty() && error.starts_with("line "), "an error has a line");
        fuzz_check(std::all_of(error.begin(), error.end(), [](char c) { return c >= ' ' && c <= '~'; }),
                   "an error has no control character");
        return 0;
    }
    fuzz_check(error.empty(), "there is no error where the file is read");
    std::size_t line = 0;
    bool is_plain = true; // no value holds both quotation marks: such a value cannot be written
    for (const Setting &setting : settings) {
        fuzz_check(!setting.name.empty() && !setting.value.empty() && setting.line > line,
                   "a setting has a name, a value and a line");
        line = setting.line;
        is_plain =
            is_plain && (setting.value.find('"') == std::string::npos || setting.value.find('\'') == std::string::npos);
    }
    std::vector<Setting> again;
    if (is_plain) {
        fuzz_check(parse_config(print(settings), again, error) && again.size() == settings.size(),
                   "what is written can be read");
        for (std::size_t i = 0; i < settings.size(); ++i) {
            fuzz_check(again[i].name == settings[i].name && again[i].value == settings[i].value,
                       "read again, it is the same");
        }
    }
    return 0;
}
