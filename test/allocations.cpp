#include "allocations.h"

#include <cstdlib>
#include <new>

namespace toxtcp {

bool (*may_allocate)() noexcept = nullptr;

} // namespace toxtcp

namespace {

void *try_to_allocate(std::size_t size) noexcept {
    if (toxtcp::may_allocate != nullptr && !toxtcp::may_allocate()) {
        return nullptr;
    }
    return std::malloc(size == 0 ? 1 : size);
}

void *allocate(std::size_t size) {
    void *const memory = try_to_allocate(size);
    if (memory == nullptr) {
        throw std::bad_alloc();
    }
    return memory;
}

} // namespace

// All forms are replaced: AddressSanitizer checks that memory goes back by the form that belongs to its allocation.
void *operator new(std::size_t size) {
    return allocate(size);
}
void *operator new[](std::size_t size) {
    return allocate(size);
}
void *operator new(std::size_t size, const std::nothrow_t &) noexcept {
    return try_to_allocate(size);
}
void *operator new[](std::size_t size, const std::nothrow_t &) noexcept {
    return try_to_allocate(size);
}
void operator delete(void *memory) noexcept {
    std::free(memory);
}
void operator delete[](void *memory) noexcept {
    std::free(memory);
}
void operator delete(void *memory, std::size_t) noexcept {
    std::free(memory);
}
void operator delete[](void *memory, std::size_t) noexcept {
    std::free(memory);
}
void operator delete(void *memory, const std::nothrow_t &) noexcept {
    std::free(memory);
}
void operator delete[](void *memory, const std::nothrow_t &) noexcept {
    std::free(memory);
}
