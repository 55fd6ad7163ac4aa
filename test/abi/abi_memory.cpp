#include "abi_host.h"
#include "allocations.h"

namespace toxtcp {

Abi_Memory abi_memory;

Abi_Failing::Abi_Failing(std::uint64_t from, std::uint64_t to) {
    abi_memory = {.failing = true, .from = from, .to = to};
    may_allocate = []() noexcept {
        if (!abi_memory.failing || abi_memory.outside) {
            return true;
        }
        const std::uint64_t number = abi_memory.counted++;
        return number < abi_memory.from || number >= abi_memory.to;
    };
}

} // namespace toxtcp
