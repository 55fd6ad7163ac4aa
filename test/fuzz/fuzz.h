// What the fuzz targets share: an input that is read as a program, repeatable randomness, and a check that aborts.
//
// Each target is one file in this folder. It is built with libFuzzer (`tools/dev fuzz`), or with replay.cpp as a plain
// test that runs the inputs in corpus/<target>/. An input that finds a fault is to be added there. No target depends on
// the system, so an input does the same every time. The seeds were made by fuzzing and then merging:
// `<target> -merge=1 NEW OLD`.
#pragma once

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include <toxtcp/wire.h>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size);

namespace toxtcp {

/// Not `assert`, which a release build leaves out.
inline void fuzz_check(bool holds, const char *what) {
    if (!holds) {
        std::fprintf(stderr, "fuzz: does not hold: %s\n", what);
        std::abort();
    }
}

// ---- the input -------------------------------------------------------------------------------------------------

/// Reads the input from its front. After its end come zeros, so that any input is a whole program.
struct Fuzz_Input {
    Bytes left;

    [[nodiscard]] bool done() const { return left.empty(); }

    std::uint8_t byte() {
        if (left.empty()) {
            return 0;
        }
        const std::uint8_t first = left.front();
        left = left.subspan(1);
        return first;
    }

    std::uint16_t word() {
        const unsigned high = byte();
        return static_cast<std::uint16_t>(high << 8 | byte());
    }

    /// A number below `limit`, which is from 1 to 256.
    std::size_t below(std::size_t limit) { return byte() % limit; }

    bool flag() { return (byte() & 1) != 0; }

    /// The next `count` bytes, or all that are left if these are fewer.
    Bytes bytes(std::size_t count) {
        const Bytes first = left.first(std::min(count, left.size()));
        left = left.subspan(first.size());
        return first;
    }

    /// A size from 0 to `limit`: small in most cases, and near `limit` in some.
    std::size_t size(std::size_t limit) {
        const std::size_t choice = byte();
        if (choice < 192) {
            return choice % (limit + 1);
        }
        return choice < 224 ? limit - std::min(limit, choice - 192) : word() % (limit + 1);
    }
};

// ---- randomness ------------------------------------------------------------------------------------------------

/// splitmix64: short, and the same on every machine.
struct Fuzz_Random {
    std::uint64_t state = 0;

    std::uint64_t next() {
        std::uint64_t z = state += 0x9E3779B97F4A7C15U;
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9U;
        z = (z ^ z >> 27) * 0x94D049BB133111EBU;
        return z ^ z >> 31;
    }

    void fill(Mutable_Bytes bytes) {
        for (std::uint8_t &byte : bytes) {
            byte = static_cast<std::uint8_t>(next());
        }
    }
};

/// `random` is borrowed.
inline Random fuzz_random(Fuzz_Random &random) {
    return {&random, [](void *object, Mutable_Bytes bytes) { static_cast<Fuzz_Random *>(object)->fill(bytes); }};
}

inline Secret_Key fuzz_secret_key(std::uint64_t seed) {
    Fuzz_Random random{seed};
    Secret_Key key;
    random.fill(key.bytes);
    return key;
}

} // namespace toxtcp
