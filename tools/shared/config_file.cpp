#include "tools/shared/config_file.h"

#include <algorithm>

#include "tools/shared/values.h"

namespace toxtcp {

namespace {

constexpr const char *OPTION_FORM = ". Allowed is one option a line: port = 33445";

bool is_name(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
    });
}

/// Reads the value: `word`, "word" or 'word', followed by nothing but a comment. Returns what is wrong; empty if
/// nothing.
std::string parse_value(std::string_view text, std::string &value) {
    const char quote = !text.empty() && (text.front() == '"' || text.front() == '\'') ? text.front() : '\0';
    std::string_view rest;
    if (quote != '\0') {
        const std::size_t end = text.find(quote, 1);
        if (end == std::string_view::npos) {
            return "the quotation mark is not closed";
        }
        value = text.substr(1, end - 1);
        rest = trimmed(text.substr(end + 1));
    } else {
        const std::size_t end = std::min(text.find('#'), text.size());
        value = trimmed(text.substr(0, end));
        rest = text.substr(end);
    }
    if (!rest.empty() && rest.front() != '#') {
        return in_quotes(rest) + " follows the value";
    }
    return value.empty() ? "the value is empty" : "";
}

std::string parse_line(std::string_view line, Setting &setting) {
    const std::size_t equals = line.find('=');
    if (line.find('\0') != std::string_view::npos) {
        return "there is a zero byte";
    }
    if (line.front() == '[') {
        return in_quotes(line) + " begins a section, and there are none";
    }
    if (equals == std::string_view::npos) {
        return in_quotes(line) + " has no =";
    }
    setting.name = trimmed(line.substr(0, equals));
    if (!is_name(setting.name)) {
        return in_quotes(setting.name) + " is no name of an option";
    }
    const std::string fault = parse_value(trimmed(line.substr(equals + 1)), setting.value);
    return fault.empty() ? "" : setting.name + ": " + fault;
}

} // namespace

bool parse_config(std::string_view text, std::vector<Setting> &settings, std::string &error) {
    constexpr std::string_view BYTE_ORDER_MARK = "\xEF\xBB\xBF";
    if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
        error = "line 1: it is in UTF-16. Allowed is UTF-8";
        return false;
    }
    text.remove_prefix(text.starts_with(BYTE_ORDER_MARK) ? BYTE_ORDER_MARK.size() : 0);
    std::vector<Setting> read;
    for (std::size_t number = 1; !text.empty(); ++number) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = trimmed(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.empty() || line.front() == '#') {
            continue;
        }
        Setting setting{{}, {}, number};
        std::string fault = parse_line(line, setting);
        const auto same = [&setting](const Setting &other) { return other.name == setting.name; };
        if (const auto first = std::find_if(read.begin(), read.end(), same); fault.empty() && first != read.end()) {
            fault = setting.name + " is set twice, first in line " + std::to_string(first->line);
        }
        if (!fault.empty()) {
            error = "line " + std::to_string(number) + ": " + fault + OPTION_FORM;
            return false;
        }
        read.push_back(std::move(setting));
    }
    settings = std::move(read);
    return true;
}

} // namespace toxtcp
