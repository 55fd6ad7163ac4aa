// The functions of the C ABI that are otherwise in toxcore 0.2.18 than in later generations.
#include <toxcore/TCP_connection.h>

#include "toxcore/host_functions.h"

using namespace toxtcp::toxcore;

// The clock is only read. The casts are there because current_time_monotonic takes it without const.
TCP_Client_Connection *new_TCP_connection(const Logger *logger, const Mono_Time *mono_time, const Random *rng,
                                          const Network *ns, const IP_Port *ip_port, const std::uint8_t *public_key,
                                          const std::uint8_t *self_public_key, const std::uint8_t *self_secret_key,
                                          const TCP_Proxy_Info *proxy_info) {
    return make_client({.logger = logger, .rng = rng, .ns = ns, .mono_time = const_cast<Mono_Time *>(mono_time)},
                       ip_port, public_key, self_public_key, self_secret_key, proxy_info);
}

TCP_Connections *new_tcp_connections(const Logger *logger, const Random *rng, const Network *ns, Mono_Time *mono_time,
                                     const std::uint8_t *secret_key, const TCP_Proxy_Info *proxy_info) {
    return make_connections({.logger = logger, .rng = rng, .ns = ns, .mono_time = mono_time}, secret_key, proxy_info);
}
