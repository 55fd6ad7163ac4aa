// The addresses of a relay (lib/relay/addresses.h): which are kept, and in which order they are tried.
#include "catch.h"

#include "relay/addresses.h"

using namespace toxtcp;

namespace {

Relay_Endpoint at_port(int port) {
    return {{Family::ipv4, {192, 0, 2, 1}, static_cast<std::uint16_t>(port)}, nullptr};
}

Addresses with_addresses(int count) {
    Addresses addresses;
    for (int port = 1; port <= count; ++port) {
        CHECK(add_address(addresses, at_port(port)) == port - 1);
    }
    return addresses;
}

/// The ports of the next attempts, which all fail.
std::vector<int> attempts(Addresses &addresses, bool was_up, int count) {
    std::vector<int> ports;
    for (int i = 0; i < count; ++i) {
        ports.push_back(current_endpoint(addresses).address.port);
        next_address(addresses, was_up);
    }
    return ports;
}

bool has_port(const Addresses &addresses, int port) {
    return std::any_of(addresses.list.begin(), addresses.list.end(),
                       [port](const Known_Address &known) { return known.endpoint.address.port == port; });
}

} // namespace

TEST_CASE("addresses: all are tried in turn; once the relay was connected, every second attempt is where it was") {
    Addresses addresses = with_addresses(4);
    CHECK(attempts(addresses, false, 6) == std::vector{1, 2, 3, 4, 1, 2});
    address_works(addresses); // at the third
    CHECK(attempts(addresses, true, 9) == std::vector{3, 1, 3, 2, 3, 4, 3, 1, 3});
    Addresses single = with_addresses(1);
    CHECK(attempts(single, false, 2) == std::vector{1, 1});
    CHECK(attempts(single, true, 2) == std::vector{1, 1});
}

TEST_CASE("addresses: those that are named neither push out one that was not tried nor where the relay was connected") {
    const bool was_up = GENERATE(true, false);
    Addresses addresses = with_addresses(MAX_RELAY_ADDRESSES);
    int port = 100;
    const auto name_many = [&addresses, &port] {
        for (int i = 0; i < 100; ++i) {
            add_address(addresses, at_port(port++));
        }
    };
    name_many();
    for (int i = 1; i <= MAX_RELAY_ADDRESSES; ++i) {
        CHECK(has_port(addresses, i));
    }
    if (was_up) {
        addresses.current = 5;
        address_works(addresses);
    }
    const int first = was_up ? 6 : 1;
    for (int i = 0; i < 100; ++i) {
        const int tried = current_endpoint(addresses).address.port;
        name_many();
        CHECK(has_port(addresses, tried)); // as long as it is the one in use
        next_address(addresses, was_up);
        CHECK(has_port(addresses, first));
    }
    CHECK(std::any_of(addresses.list.begin(), addresses.list.end(),
                      [](const Known_Address &known) { return known.endpoint.address.port >= 100; }));
}

TEST_CASE("addresses: a known address or host name is not added again") {
    const auto by_name = [](const char *name) {
        return Relay_Endpoint{{.port = 443}, std::make_shared<const std::string>(name)};
    };
    Addresses addresses = with_addresses(2);
    CHECK(add_address(addresses, at_port(2)) == MAX_RELAY_ADDRESSES);
    CHECK(add_address(addresses, by_name("a.example")) == 2);
    CHECK(add_address(addresses, by_name("b.example")) == 3);
    CHECK(add_address(addresses, by_name("a.example")) == MAX_RELAY_ADDRESSES);
    CHECK(addresses.count == 4);
}
