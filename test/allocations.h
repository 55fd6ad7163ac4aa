// Replaces operator new of the program, for tests that count allocations or make them fail. allocations.cpp must be
// linked into the program.
#pragma once

namespace toxtcp {

/// Called before each allocation. False makes the allocation fail. Null: no allocation fails.
extern bool (*may_allocate)() noexcept;

} // namespace toxtcp
