// The public Tox node list: a JSON object with an array `nodes`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tools/shared/relay_list.h"

namespace toxtcp {

/// Reads a node list, and appends its TCP relays to `relays`: one for each address and port, or with `all_ports` false
/// one for each address and the node's first port. The reader tolerates what has a clear meaning: "-", "NONE" and the
/// like for a missing address, a host name in place of an address, ports as numbers or strings, in an array or alone,
/// unknown members, a byte-order mark, needless commas. A bad entry is left out; of an entry with a bad port or
/// address only that port or address is left out. `warnings` gets a text for each, with line, column and cause. False,
/// with `error` and nothing appended, when the text is no node list or is cut off.
[[nodiscard]] bool parse_node_list(std::string_view text, bool all_ports, std::vector<Named_Relay> &relays,
                                   std::vector<std::string> &warnings, std::string &error);

} // namespace toxtcp
