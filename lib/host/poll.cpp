#include <new>
#include <vector>

#include "host/sockets.h"
#include "host/waiting.h"

namespace toxtcp {

namespace {

struct Poll {
    std::vector<Poll_Entry> entries;
    std::vector<std::uint32_t> tags; ///< one for each entry
    bool *network_ready = nullptr;
    std::size_t next = 0; ///< entry to look at first, so that all entries have their turn
};

Poll &self(void *object) {
    return *static_cast<Poll *>(object);
}

std::size_t find(const Poll &poll, int socket) {
    std::size_t i = 0;
    while (i < poll.entries.size() && poll.entries[i].fd != static_cast<decltype(Poll_Entry::fd)>(socket)) {
        ++i;
    }
    return i;
}

bool poll_watch(void *object, int socket, std::uint32_t tag, bool writing) {
    Poll &poll = self(object);
    const std::size_t at = find(poll, socket);
    if (at == poll.entries.size()) {
        try {
            poll.tags.reserve(at + 1);
            poll.entries.push_back({});
            poll.tags.push_back(tag);
        } catch (const std::bad_alloc &) {
            return false;
        }
        poll.entries[at].fd = static_cast<decltype(Poll_Entry::fd)>(socket);
    }
    poll.entries[at].events = static_cast<short>(writing ? POLLIN | POLLOUT : POLLIN);
    poll.tags[at] = tag;
    return true;
}

void poll_forget(void *object, int socket) {
    Poll &poll = self(object);
    const std::size_t at = find(poll, socket);
    if (at != poll.entries.size()) {
        poll.entries[at] = poll.entries.back();
        poll.tags[at] = poll.tags.back();
        poll.entries.pop_back();
        poll.tags.pop_back();
    }
}

std::size_t poll_ready(void *object, std::span<Ready> ready) {
    Poll &poll = self(object);
    const int count = sockets_poll(poll.entries, 0);
    const std::size_t size = poll.entries.size();
    std::size_t told = 0;
    std::size_t at = poll.next < size ? poll.next : 0;
    for (std::size_t i = 0; count > 0 && i < size && told < ready.size(); ++i) {
        const auto events = poll.entries[at].revents;
        if (events != 0) {
            const bool failed = (events & (POLLERR | POLLHUP | POLLNVAL)) != 0;
            if (poll.tags[at] == NETWORK_TAG) {
                *poll.network_ready = true;
            }
            ready[told++] = {poll.tags[at], failed || (events & POLLIN) != 0, failed || (events & POLLOUT) != 0};
        }
        at = at + 1 < size ? at + 1 : 0;
    }
    poll.next = at;
    return told;
}

bool poll_wait(void *object, int milliseconds) {
    return sockets_poll(self(object).entries, milliseconds) > 0;
}

void close_poll(void *object) {
    delete &self(object);
}

} // namespace

Poller open_poll(bool &network_ready) {
    auto *const poll = new (std::nothrow) Poll;
    if (poll == nullptr) {
        return {};
    }
    poll->network_ready = &network_ready;
    return {.object = poll,
            .watch = poll_watch,
            .forget = poll_forget,
            .ready = poll_ready,
            .wait = poll_wait,
            .close = close_poll};
}

} // namespace toxtcp
