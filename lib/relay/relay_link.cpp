#include "relay/relay_link.h"

namespace toxtcp {

namespace {

void watch_writing(Relay_Link &link, const Host &host, std::uint32_t tag) {
    const bool writing = !relay_pending(link.client).empty();
    if (host.watch != nullptr && link.writing != writing && link.client.phase != Relay_Phase::ended) {
        if (!host.watch(host.object, link.socket, tag, writing)) {
            relay_end(link.client, Reason::reset);
        }
        link.writing = writing;
    }
}

Reason failure(const Relay_Link &link) {
    return relay_confirmed(link.client)  ? Reason::reset
           : relay_at_proxy(link.client) ? Reason::proxy_closed
                                         : Reason::connect_failed;
}

} // namespace

bool link_open(Relay_Link &link, const Link_Context &context, const Relay_Endpoint &endpoint, const Public_Key &key,
               std::uint32_t tag, std::uint64_t now) {
    const Host &host = context.host;
    link.client.opened = {host.object, host.opened};
    relay_start(link.client, context.self, host_random(host), endpoint, key, context.proxy, now);
    if (link.client.phase == Relay_Phase::ended) {
        return false; // a key that no relay can have
    }
    const bool proxied = context.proxy.type != Proxy_Type::none;
    link.socket = host.connect(host.object, proxied ? context.proxy.address : endpoint.address);
    link.writing = true; // the socket becomes writable when it is connected
    link.sent = 0;
    if (link.socket < 0) {
        relay_end(link.client, Reason::connect_failed);
        return false;
    }
    if (host.watch != nullptr && !host.watch(host.object, link.socket, tag, true)) {
        link_close(link, host, Reason::connect_failed);
        return false;
    }
    return true;
}

void link_close(Relay_Link &link, const Host &host, Reason reason) {
    relay_end(link.client, reason);
    if (link.socket >= 0) {
        host.close(host.object, link.socket);
        link.socket = -1;
    }
}

std::size_t link_receive(Relay_Link &link, const Host &host, Mutable_Bytes buffer, Mutable_Bytes &input) {
    const Mutable_Bytes missing = relay_missing(link.client);
    const std::ptrdiff_t got = host.receive(host.object, link.socket, missing, buffer);
    if (got <= 0) {
        if (got == SOCKET_END) {
            relay_end(link.client, relay_at_proxy(link.client) ? Reason::proxy_closed : Reason::end_of_stream);
        } else if (got != SOCKET_WOULD_BLOCK) {
            relay_end(link.client, failure(link));
        }
        return 0;
    }
    const auto count = static_cast<std::size_t>(got);
    const std::size_t first = std::min(count, missing.size());
    relay_filled(link.client, first);
    input = buffer.first(count - first);
    return count;
}

bool link_flush(Relay_Link &link, const Host &host, std::uint32_t tag) {
    bool took = false;
    while (link.client.phase != Relay_Phase::ended) {
        const Bytes pending = relay_pending(link.client);
        if (pending.empty()) {
            break;
        }
        const std::ptrdiff_t sent = host.send(host.object, link.socket, pending);
        if (sent <= 0) {
            if (sent != SOCKET_WOULD_BLOCK) {
                relay_end(link.client, failure(link));
            }
            break;
        }
        took = true;
        link.sent += static_cast<std::size_t>(sent);
        relay_sent(link.client, static_cast<std::size_t>(sent));
        if (static_cast<std::size_t>(sent) < pending.size()) {
            break;
        }
    }
    watch_writing(link, host, tag);
    return took;
}

Error link_send(Relay_Link &link, const Host &host, const Packet &packet, std::uint32_t tag) {
    if (!relay_confirmed(link.client)) {
        return Error::not_online;
    }
    if (!relay_takes_data(link.client)) {
        link_flush(link, host, tag); // the rest of an earlier packet goes first
        if (!relay_takes_data(link.client)) {
            return relay_confirmed(link.client) ? Error::full : Error::not_online;
        }
    }
    std::array<std::uint8_t, MAX_FRAME_SIZE> frame;
    const std::size_t size = relay_seal(link.client, packet, frame);
    if (size == 0) {
        return Error::too_long;
    }
    const std::ptrdiff_t sent = host.send(host.object, link.socket, Bytes{frame}.first(size));
    if (sent == static_cast<std::ptrdiff_t>(size)) {
        link.sent += size;
        return Error::ok;
    }
    if (sent > 0) {
        link.sent += static_cast<std::size_t>(sent);
        relay_keep(link.client, Bytes{frame}.first(size).subspan(static_cast<std::size_t>(sent)));
        watch_writing(link, host, tag);
        return Error::ok;
    }
    if (sent == SOCKET_WOULD_BLOCK) {
        relay_undo_seal(link.client, 1);
        return Error::full;
    }
    relay_end(link.client, Reason::reset);
    return Error::not_online;
}

std::size_t link_send_data(Relay_Link &link, const Host &host, std::uint8_t id, std::span<const Bytes> packets,
                           Mutable_Bytes scratch, std::uint32_t tag) {
    std::size_t done = 0;
    if (!relay_takes_data(link.client)) {
        link_flush(link, host, tag);
    }
    while (done < packets.size() && relay_takes_data(link.client)) {
        // Seal as many as fit, then hand them to the socket as one piece.
        Packet packet;
        packet.type = Packet_Type::data;
        packet.id = id;
        std::size_t end = done;
        std::size_t size = 0;
        while (end < packets.size()) {
            packet.data = packets[end];
            if (packet.data.empty() || packet.data.size() > MAX_DATA_SIZE ||
                FRAME_OVERHEAD + 1 + packet.data.size() > scratch.size() - size) {
                break;
            }
            size += relay_seal(link.client, packet, scratch.subspan(size));
            ++end;
        }
        if (size == 0) {
            break;
        }
        const std::ptrdiff_t sent = host.send(host.object, link.socket, scratch.first(size));
        link.sent += sent > 0 ? static_cast<std::size_t>(sent) : 0;
        if (sent == static_cast<std::ptrdiff_t>(size)) {
            done = end;
            continue;
        }
        if (sent < 0 && sent != SOCKET_WOULD_BLOCK) {
            relay_end(link.client, Reason::reset);
            break;
        }
        // Find the frame that was sent in part: the rest of it must be sent. The frames behind it count as never
        // sealed.
        std::size_t left = sent < 0 ? 0 : static_cast<std::size_t>(sent);
        std::size_t at = 0;
        while (done < end) {
            const std::size_t frame = FRAME_OVERHEAD + 1 + packets[done].size();
            if (left < frame) {
                break;
            }
            at += frame;
            left -= frame;
            ++done;
        }
        relay_undo_seal(link.client, static_cast<std::uint32_t>(end - done - (left != 0)));
        if (left != 0) {
            const std::size_t frame = FRAME_OVERHEAD + 1 + packets[done].size();
            relay_keep(link.client, scratch.subspan(at + left, frame - left));
            ++done;
        }
        watch_writing(link, host, tag);
        break;
    }
    return done;
}

} // namespace toxtcp
