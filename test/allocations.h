// The program's allocations (operator new), for tests that count them or have them fail. With allocations.cpp in a program.
#pragma once

namespace toxtcp {

/// Asked before each: false has it fail. Null: none fails.
extern bool (*may_allocate)() noexcept;

} // namespace toxtcp
