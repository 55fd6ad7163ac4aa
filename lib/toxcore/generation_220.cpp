// The functions of the C ABI that are otherwise in toxcore 0.2.19 and 0.2.20 than in other generations.
#include <toxcore/TCP_connection.h>

#include "toxcore/host_functions.h"

using namespace toxtcp::toxcore;

// The clock is only read. The casts are there because current_time_monotonic takes it without const.
TCP_Client_Connection *new_tcp_connection(const Logger *logger, const Memory *mem, const Mono_Time *mono_time,
                                          const Random *rng, const Network *ns, const IP_Port *ip_port,
                                          const std::uint8_t *public_key, const std::uint8_t *self_public_key,
                                          const std::uint8_t *self_secret_key, const TCP_Proxy_Info *proxy_info) {
    return make_client(
        {.logger = logger, .mem = mem, .rng = rng, .ns = ns, .mono_time = const_cast<Mono_Time *>(mono_time)}, ip_port,
        public_key, self_public_key, self_secret_key, proxy_info);
}

TCP_Connections *new_tcp_connections(const Logger *logger, const Memory *mem, const Random *rng, const Network *ns,
                                     Mono_Time *mono_time, const std::uint8_t *secret_key,
                                     const TCP_Proxy_Info *proxy_info) {
    return make_connections({.logger = logger, .mem = mem, .rng = rng, .ns = ns, .mono_time = mono_time}, secret_key,
                            proxy_info);
}

bool tcp_relay_is_valid(const TCP_Connections *tcp_c, const std::uint8_t *relay_pk) {
    return knows_relay(*tcp_c, relay_pk);
}
