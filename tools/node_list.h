// The public Tox node list: a JSON object with an array `nodes`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "relay_list.h"

namespace toxtcp {

/// Reads a node list, and appends its TCP relays: one for each address and port, or for the first port alone. What is
/// clearly meant is taken: "-", "NONE" and the like for an address that there is not, a host name, ports as strings, in
/// a list or alone, members that we do not know, a byte-order mark, a comma too many. A bad entry costs that entry, a
/// bad port or address that one alone; each has a line in `warnings`, with line, column and cause. False, with `error`,
/// when it is no node list, or not a whole one: nothing is appended then.
[[nodiscard]] bool parse_node_list(std::string_view text, bool all_ports, std::vector<Named_Relay> &relays,
                                   std::vector<std::string> &warnings, std::string &error);

} // namespace toxtcp
