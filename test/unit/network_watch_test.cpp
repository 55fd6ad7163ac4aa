// Which netlink messages and clock readings count as a change of network, and which do not: as phones and laptops see
// them.
#include "host/network_watch.h"

#include <linux/if.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <cstring>
#include <vector>

#include "catch.h"

using namespace toxtcp;

namespace {

constexpr std::uint32_t ADDRESS = 0x0A000002;

void add_attribute(std::vector<std::uint8_t> &message, std::uint16_t type, std::uint32_t value) {
    const std::size_t at = message.size();
    message.resize(at + RTA_SPACE(sizeof value));
    rtattr attribute{};
    attribute.rta_len = RTA_LENGTH(sizeof value);
    attribute.rta_type = type;
    std::memcpy(message.data() + at, &attribute, sizeof attribute);
    std::memcpy(message.data() + at + RTA_LENGTH(0), &value, sizeof value);
}

template <class Body>
std::vector<std::uint8_t> message_of(std::uint16_t type, const Body &body, std::uint16_t attribute, std::uint32_t value,
                                     std::uint16_t flags) {
    std::vector<std::uint8_t> message(NLMSG_HDRLEN + NLMSG_ALIGN(sizeof body));
    std::memcpy(message.data() + NLMSG_HDRLEN, &body, sizeof body);
    add_attribute(message, attribute, value);
    nlmsghdr header{};
    header.nlmsg_len = static_cast<std::uint32_t>(message.size());
    header.nlmsg_type = type;
    header.nlmsg_flags = flags;
    std::memcpy(message.data(), &header, sizeof header);
    return message;
}

std::vector<std::uint8_t> address(std::uint16_t type, std::uint32_t value = ADDRESS,
                                  std::uint8_t scope = RT_SCOPE_UNIVERSE, std::uint8_t flags = 0,
                                  std::uint16_t message_flags = 0) {
    ifaddrmsg body{};
    body.ifa_family = 2;
    body.ifa_scope = scope;
    body.ifa_flags = flags;
    body.ifa_index = 3;
    return message_of(type, body, IFA_ADDRESS, value, message_flags);
}

std::vector<std::uint8_t> route(std::uint16_t type, std::uint8_t length, std::uint32_t gateway = ADDRESS) {
    rtmsg body{};
    body.rtm_family = 2;
    body.rtm_dst_len = length;
    body.rtm_type = RTN_UNICAST;
    body.rtm_table = RT_TABLE_MAIN;
    return message_of(type, body, RTA_GATEWAY, gateway, 0);
}

std::vector<std::uint8_t> link(bool running, std::uint16_t attribute = IFLA_MTU, int index = 3) {
    ifinfomsg body{};
    body.ifi_index = index;
    body.ifi_flags = running ? IFF_UP | IFF_RUNNING : IFF_UP;
    return message_of(RTM_NEWLINK, body, attribute, 1'500, 0);
}

bool changes(Network_Watch &watch, const std::vector<std::uint8_t> &messages) {
    watch.changed = false;
    handle_netlink(watch, messages);
    return watch.changed;
}

} // namespace

TEST_CASE("network watch: an address that comes or goes is a change, one that is announced again is not") {
    Network_Watch watch;
    CHECK(changes(watch, address(RTM_NEWADDR)));
    for (int i = 0; i < 10; ++i) {
        CHECK_FALSE(changes(watch, address(RTM_NEWADDR))); // a router renews its lifetime
    }
    CHECK(changes(watch, address(RTM_NEWADDR, ADDRESS + 1)));
    CHECK(changes(watch, address(RTM_DELADDR)));
    CHECK(changes(watch, address(RTM_NEWADDR)));
}

TEST_CASE("network watch: addresses that the machine has at the start are no change") {
    Network_Watch watch;
    CHECK_FALSE(changes(watch, address(RTM_NEWADDR, ADDRESS, RT_SCOPE_UNIVERSE, 0, NLM_F_MULTI)));
    CHECK_FALSE(changes(watch, address(RTM_NEWADDR)));
}

TEST_CASE("network watch: loopback, link-local and tentative addresses do not matter") {
    Network_Watch watch;
    CHECK_FALSE(changes(watch, address(RTM_NEWADDR, ADDRESS, RT_SCOPE_HOST)));
    CHECK_FALSE(changes(watch, address(RTM_NEWADDR, ADDRESS, RT_SCOPE_LINK)));
    CHECK_FALSE(changes(watch, address(RTM_NEWADDR, ADDRESS, RT_SCOPE_UNIVERSE, IFA_F_TENTATIVE)));
    CHECK(changes(watch, address(RTM_NEWADDR)));
}

TEST_CASE("network watch: only default routes matter") {
    Network_Watch watch;
    CHECK_FALSE(changes(watch, route(RTM_NEWROUTE, 24)));
    CHECK(changes(watch, route(RTM_NEWROUTE, 0)));
    CHECK_FALSE(changes(watch, route(RTM_NEWROUTE, 0)));
    CHECK(changes(watch, route(RTM_NEWROUTE, 0, ADDRESS + 1)));
    CHECK(changes(watch, route(RTM_DELROUTE, 0)));
    CHECK_FALSE(changes(watch, route(RTM_DELROUTE, 24)));
}

TEST_CASE("network watch: a device that runs again is a change, though its address stayed") {
    Network_Watch watch;
    CHECK_FALSE(changes(watch, link(true))); // the kernel repeats this at every scan for radio networks
    CHECK_FALSE(changes(watch, link(false)));
    CHECK_FALSE(changes(watch, link(false)));
    CHECK_FALSE(changes(watch, link(true, IFLA_MTU, 4)));
    CHECK(changes(watch, link(true)));
    CHECK_FALSE(changes(watch, link(true)));
}

TEST_CASE("network watch: loopback, and devices that are a part of a bridge, do not matter") {
    Network_Watch watch;
    CHECK_FALSE(changes(watch, link(false, IFLA_MASTER)));
    CHECK_FALSE(changes(watch, link(true, IFLA_MASTER)));
    CHECK_FALSE(changes(watch, link(false, IFLA_MTU, 1)));
    CHECK_FALSE(changes(watch, link(true, IFLA_MTU, 1)));
}

TEST_CASE("network watch: every message of a buffer is read, and cut or other messages change nothing") {
    Network_Watch watch;
    std::vector<std::uint8_t> both = address(RTM_NEWADDR, ADDRESS, RT_SCOPE_HOST);
    const std::vector<std::uint8_t> second = address(RTM_NEWADDR);
    both.insert(both.end(), second.begin(), second.end());
    CHECK(changes(watch, both));
    for (std::size_t size = 0; size < second.size(); ++size) {
        Network_Watch fresh;
        CHECK_FALSE(
            changes(fresh, std::vector<std::uint8_t>(second.begin(), second.begin() + static_cast<long>(size))));
    }
    CHECK_FALSE(changes(watch, address(NLMSG_DONE)));
}

TEST_CASE("network watch: beyond the number of addresses that are remembered, a new one is still a change") {
    Network_Watch watch;
    for (std::uint32_t i = 0; i < MAX_KNOWN + 100; ++i) {
        CHECK(changes(watch, address(RTM_NEWADDR, i)));
    }
}

TEST_CASE("network watch: a sleep of more than a second is a change, a small difference of the clocks is not") {
    Network_Watch watch;
    note_clocks(watch, 10'000, 9'000); // the machine had slept before the watch began
    CHECK_FALSE(watch.changed);
    note_clocks(watch, 20'000, 18'500);
    CHECK_FALSE(watch.changed);
    note_clocks(watch, 3'650'000, 30'000);
    CHECK(watch.changed);
    watch.changed = false;
    note_clocks(watch, 3'660'000, 40'000);
    CHECK_FALSE(watch.changed);
}
