#include "tools/shared/node_list.h"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "tools/shared/text.h"
#include "tools/shared/values.h"

namespace toxtcp {

namespace {

using Json = nlohmann::json;

// ---- line and column -------------------------------------------------------------------------------------------

/// Counts the line and column of positions in a text, in characters from 1 on. A position must not lie before the
/// position of the last call.
struct Position_Counter {
    std::string_view text;
    std::size_t counted = 0;
    std::size_t line = 1;
    std::size_t column = 1;
};

std::string position_text(Position_Counter &positions, std::size_t at) {
    for (; positions.counted < std::min(at, positions.text.size()); ++positions.counted) {
        const auto byte = static_cast<std::uint8_t>(positions.text[positions.counted]);
        const bool is_continuation = (byte & 0xC0U) == 0x80; // not the first byte of a UTF-8 character
        positions.column = byte == '\n' ? 1 : positions.column + (is_continuation ? 0 : 1);
        positions.line += byte == '\n';
    }
    return "line " + std::to_string(positions.line) + ", column " + std::to_string(positions.column);
}

// ---- one node --------------------------------------------------------------------------------------------------

struct List_Reader {
    bool all_ports = false;
    Position_Counter positions;
    std::vector<Named_Relay> relays{};
    std::vector<std::string> warnings{};
};

std::string string_of(const Json &node, const char *name) {
    const auto found = node.find(name);
    return found != node.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

/// Whether the text stands for a missing value.
bool is_missing_value(std::string_view text) {
    std::string lower{trimmed(text)};
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return lower.empty() || lower == "-" || lower == "none" || lower == "n/a" || lower == "null";
}

void add_port(std::string_view text, std::vector<std::uint16_t> &ports, std::vector<std::string> &faults) {
    std::uint16_t port = 0;
    std::string fault;
    if (!read_port(text, port, fault)) {
        faults.push_back("port " + fault + ". The port is left out");
    } else if (std::find(ports.begin(), ports.end(), port) == ports.end()) {
        ports.push_back(port);
    }
}

/// "443, 33445"
void add_ports_of_text(std::string_view text, std::vector<std::uint16_t> &ports, std::vector<std::string> &faults) {
    constexpr std::string_view SEPARATORS = " \t\r\n,;";
    while (!text.empty()) {
        const std::size_t end = std::min(text.find_first_of(SEPARATORS), text.size());
        if (const std::string_view word = text.substr(0, end); !is_missing_value(word)) {
            add_port(word, ports, faults);
        }
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

void add_ports(const Json &value, std::vector<std::uint16_t> &ports, std::vector<std::string> &faults) {
    if (value.is_string()) {
        add_ports_of_text(value.get_ref<const std::string &>(), ports, faults);
    } else if (value.is_number()) {
        add_port(value.dump(), ports, faults);
    } else if (!value.is_null()) {
        faults.push_back(std::string{"a port is wrong: it is of the kind "} + value.type_name() +
                         ". Allowed is a number from 1 to 65535. The port is left out");
    }
}

/// The node's TCP ports. A node without TCP ports is no relay, which is no fault.
std::vector<std::uint16_t> ports_of(const Json &node, std::vector<std::string> &faults) {
    std::vector<std::uint16_t> ports;
    const auto value = node.find("tcp_ports");
    if (value != node.end() && value->is_array()) {
        for (const Json &port : *value) {
            add_ports(port, ports, faults);
        }
    } else if (value != node.end()) {
        add_ports(*value, ports, faults);
    }
    return ports;
}

/// Reads the address in this member. False when the address is missing or wrong; only a wrong address adds a fault.
bool host_of(const Json &node, const char *name, Host_Name &host, std::vector<std::string> &faults) {
    const auto value = node.find(name);
    if (value == node.end() || value->is_null()) {
        return false;
    }
    if (!value->is_string()) {
        faults.push_back(std::string{name} + " is wrong: it is of the kind " + value->type_name() +
                         ". Allowed is an address, as a string. The address is left out");
        return false;
    }
    const auto &text = value->get_ref<const std::string &>();
    std::string fault;
    if (is_missing_value(text)) {
        return false;
    }
    if (!read_host(trimmed(text), host, fault)) {
        faults.push_back(std::string{name} + ' ' + fault + ". The address is left out");
        return false;
    }
    return true;
}

void add_relays(const Json &node, List_Reader &reader, std::vector<std::string> &faults) {
    std::vector<std::uint16_t> ports = ports_of(node, faults);
    if (ports.empty()) {
        return;
    }
    Named_Relay relay;
    std::string fault;
    if (!read_key(trimmed(string_of(node, "public_key")), relay.key, fault)) {
        faults.push_back("public_key " + fault + ". The entry is left out");
        return;
    }
    relay.maintainer = string_of(node, "maintainer");
    relay.location = string_of(node, "location");
    ports.resize(reader.all_ports ? ports.size() : 1);
    const std::size_t faults_before = faults.size();
    bool has_host = false;
    for (const auto &[member, family] : {std::pair{"ipv4", Family::ipv4}, std::pair{"ipv6", Family::ipv6}}) {
        Host_Name host;
        if (!host_of(node, member, host, faults)) {
            continue;
        }
        has_host = true;
        relay.host = host.text;
        relay.family = host.family == Family::none ? family : host.family; // either kind may stand in either member
        for (const std::uint16_t port : ports) {
            relay.port = port;
            reader.relays.push_back(relay);
        }
    }
    if (!has_host && faults.size() == faults_before) {
        faults.emplace_back("it has TCP ports and no address. Allowed is one in ipv4 or ipv6. The entry is left out");
    }
}

void read_entry(List_Reader &reader, std::size_t begin, std::size_t end) {
    const std::string_view text = reader.positions.text.substr(begin, end - begin);
    const auto warn = [&reader](std::size_t at, const std::string &what) {
        reader.warnings.push_back(position_text(reader.positions, at) + ": " + what);
    };
    try {
        const Json node = Json::parse(text);
        if (!node.is_object()) {
            warn(begin, std::string{"an entry is wrong: it is of the kind "} + node.type_name() +
                            ". Allowed is an object {...}. The entry is left out");
            return;
        }
        std::vector<std::string> faults;
        add_relays(node, reader, faults);
        const std::string maintainer = string_of(node, "maintainer");
        for (const std::string &fault : faults) {
            warn(begin, "the node of " + (maintainer.empty() ? "nobody" : in_quotes(maintainer)) + ": " + fault);
        }
    } catch (const Json::parse_error &error) {
        const std::string message = printable(error.what());
        const std::size_t cause = message.rfind(" - "); // the cause follows the parser's own words
        // `error.byte` counts from 1: it is the byte at which the parser stopped.
        warn(begin + std::min(error.byte == 0 ? 0 : error.byte - 1, text.size()),
             "an entry is no JSON" + (cause == std::string::npos ? "" : ": " + message.substr(cause + 3)) +
                 ". The entry is left out");
    } catch (const Json::exception &) {
        warn(begin, "an entry cannot be read. The entry is left out");
    }
}

// ---- the list --------------------------------------------------------------------------------------------------

/// Most entries whose end is guessed. Each guess may read the whole rest of the text.
constexpr std::size_t MAX_GUESSES = 20;

struct Scanner {
    std::string_view text;
    std::size_t at = 0;
    std::size_t last_bracket = 0; ///< the last ] in the text, probably the end of the list
    std::size_t guesses = 0;
};

void skip_spaces(Scanner &scanner) {
    scanner.at = std::min(scanner.text.find_first_not_of(SPACES, scanner.at), scanner.text.size());
}

/// Skips spaces and returns the next character; 0 at the end.
char next_character(Scanner &scanner) {
    skip_spaces(scanner);
    return scanner.at < scanner.text.size() ? scanner.text[scanner.at] : '\0';
}

/// The position behind the string that begins at `at`. A string cannot span lines: without a closing
/// quotation mark, it ends at the end of its line.
std::size_t string_end(std::string_view text, std::size_t at) {
    for (++at; at < text.size() && text[at] != '\n'; ++at) {
        if (text[at] == '"') {
            return at + 1;
        }
        at += text[at] == '\\' && at + 1 < text.size() && text[at + 1] != '\n';
    }
    return std::min(at, text.size());
}

/// The end of the value that begins at `at`. An object or array ends behind its closing bracket. Any other value ends
/// before the next comma or closing bracket. No member of an object begins with a brace, so `{..., {` means that the
/// first object's closing brace is missing: that object ends before the second brace.
std::size_t value_end(const Scanner &scanner, std::size_t at) {
    const std::string_view text = scanner.text;
    std::string open;
    std::size_t braces = 0; // how many `{` are in `open`
    char before = 0;
    for (std::size_t i = at; i < text.size();) {
        const char c = text[i];
        if (open.empty() && i != at && (c == ',' || c == ']' || c == '}')) {
            return i;
        }
        if (c == '"') {
            i = string_end(text, i);
            before = c;
            continue;
        }
        if (c == '{' || c == '[') {
            if (c == '{' && before == ',' && !open.empty() && open.back() == '{') {
                return i;
            }
            open += c;
            braces += c == '{';
        } else if (c == '}' && braces != 0) {
            open.resize(open.rfind('{')); // and each [ in the object that was not closed
            --braces;
            if (open.empty()) {
                return i + 1;
            }
        } else if (c == ']' && !open.empty() && open.back() == '[') {
            open.pop_back();
            if (open.empty()) {
                return i + 1;
            }
        } else if (c == ']' && !open.empty() && i == scanner.last_bracket) {
            return i; // the end of the list: the last entry is not closed
        }
        before = SPACES.find(c) == std::string_view::npos ? c : before;
        ++i;
    }
    return text.size();
}

/// Guesses the end of an entry that begins at `at` and whose brackets are not closed: the next `}` that is followed by
/// a comma and a `{`. The end of the text if there is no such brace.
std::size_t guess_end(Scanner &scanner, std::size_t at) {
    if (++scanner.guesses > MAX_GUESSES) {
        return scanner.text.size();
    }
    for (std::size_t brace = scanner.text.find('}', at); brace < scanner.text.size();
         brace = scanner.text.find('}', brace + 1)) {
        Scanner behind{scanner.text, brace + 1};
        if (next_character(behind) == ',') {
            ++behind.at;
            if (next_character(behind) == '{') {
                return brace + 1;
            }
        }
    }
    return scanner.text.size();
}

bool refuse_cut_off(Scanner &scanner, Position_Counter &positions, std::string &error) {
    error = position_text(positions, scanner.text.size()) +
            ": the node list is cut off: it ends before its last bracket, or a quotation mark is missing. "
            "Allowed is a whole one";
    return false;
}

/// Reads the entries of the list, from behind its `[` to behind its `]`.
bool read_entries(Scanner &scanner, List_Reader &reader, std::string &error) {
    while (true) {
        const char c = next_character(scanner);
        if (c == '\0' && scanner.at >= scanner.text.size()) {
            return refuse_cut_off(scanner, reader.positions, error);
        }
        if (c == ']' || c == ',') {
            ++scanner.at;
            if (c == ']') {
                return true;
            }
            continue;
        }
        const std::size_t begin = scanner.at;
        std::size_t end = value_end(scanner, begin);
        if (end >= scanner.text.size()) {
            end = guess_end(scanner, begin);
        }
        if (end >= scanner.text.size()) {
            return refuse_cut_off(scanner, reader.positions, error);
        }
        read_entry(reader, begin, end);
        scanner.at = end;
    }
}

bool refuse_list(Scanner &scanner, Position_Counter &positions, const std::string &what, std::string &error) {
    error = position_text(positions, scanner.at) + ": it is no node list: " + what +
            ". Allowed is a JSON object with an array `nodes`, as the public Tox node list is";
    return false;
}

/// Reads the members of the outer object, from behind its `{` to behind its `}`.
bool read_members(Scanner &scanner, List_Reader &reader, std::string &error) {
    bool has_nodes = false;
    while (true) {
        const char c = next_character(scanner);
        if (c == '\0' && scanner.at >= scanner.text.size()) {
            return refuse_cut_off(scanner, reader.positions, error);
        }
        if (c == '}') {
            ++scanner.at;
            return has_nodes || refuse_list(scanner, reader.positions, "it has no array `nodes`", error);
        }
        if (c == ',') {
            ++scanner.at;
            continue;
        }
        if (c != '"') {
            return refuse_list(scanner, reader.positions, "the name of a member is missing", error);
        }
        const std::size_t begin = scanner.at;
        scanner.at = string_end(scanner.text, begin);
        const std::string_view name = scanner.text.substr(begin, scanner.at - begin);
        if (next_character(scanner) != ':') {
            return scanner.at >= scanner.text.size()
                       ? refuse_cut_off(scanner, reader.positions, error)
                       : refuse_list(scanner, reader.positions, "a colon is missing", error);
        }
        ++scanner.at;
        const char first = next_character(scanner);
        if (name != "\"nodes\"") {
            const bool is_missing = first == ',' || first == '}';
            scanner.at = is_missing ? scanner.at : value_end(scanner, scanner.at);
        } else if (scanner.at >= scanner.text.size()) {
            return refuse_cut_off(scanner, reader.positions, error);
        } else if (first != '[') {
            return refuse_list(scanner, reader.positions, "`nodes` is no array", error);
        } else {
            ++scanner.at;
            has_nodes = true;
            if (!read_entries(scanner, reader, error)) {
                return false;
            }
        }
    }
}

bool is_utf16(std::string_view text) {
    return text.size() >= 2 &&
           (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF") || text[0] == '\0' || text[1] == '\0');
}

} // namespace

bool parse_node_list(std::string_view text, bool all_ports, std::vector<Named_Relay> &relays,
                     std::vector<std::string> &warnings, std::string &error) {
    constexpr std::string_view BYTE_ORDER_MARK = "\xEF\xBB\xBF";
    if (is_utf16(text)) {
        error = "line 1, column 1: it is in UTF-16. Allowed is UTF-8: save it as that, or use iconv -f UTF-16 -t UTF-8";
        return false;
    }
    text.remove_prefix(text.starts_with(BYTE_ORDER_MARK) ? BYTE_ORDER_MARK.size() : 0);
    List_Reader reader{all_ports, Position_Counter{text}};
    Scanner scanner{text, 0, std::min(text.rfind(']'), text.size())};
    const char first = next_character(scanner);
    if (first == '\0') {
        return refuse_list(scanner, reader.positions, "it is empty", error);
    }
    if (first != '{' && first != '[') {
        return refuse_list(scanner, reader.positions, "it does not begin with {", error);
    }
    ++scanner.at;
    // An array of nodes without the object around it is accepted, too.
    if (first == '{' ? !read_members(scanner, reader, error) : !read_entries(scanner, reader, error)) {
        return false;
    }
    if (next_character(scanner) != '\0' || scanner.at < text.size()) {
        reader.warnings.push_back(position_text(reader.positions, scanner.at) +
                                  ": what follows the end of the node list is left out");
    }
    relays.insert(relays.end(), reader.relays.begin(), reader.relays.end());
    warnings.insert(warnings.end(), reader.warnings.begin(), reader.warnings.end());
    return true;
}

} // namespace toxtcp
