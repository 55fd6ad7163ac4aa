// Finds a slot by its tenant's key: a table of slot numbers that is never more than three quarters full, so that
// a search ends after a few, however many there are. The keys stay where they are, in the slots.
#pragma once

#include <sodium.h>

#include <array>
#include <cstring>
#include <vector>

#include "connections/slots.h"

namespace toxtcp {

/// Peers choose their keys: without a secret in the hash they could make them all fall into one place.
using Hash_Key = std::array<std::uint8_t, crypto_shorthash_KEYBYTES>;

template <class T>
class Key_Index {
public:
    /// Both must outlive it.
    Key_Index(const Slots<T> &slots, const Hash_Key &hash_key) : slots_(slots), hash_key_(hash_key) {}

    [[nodiscard]] std::uint32_t find(const Public_Key &key) const {
        if (count_ == 0) {
            return NO_SLOT;
        }
        std::size_t place = home(key);
        while (table_[place] != NO_SLOT && !(slots_[table_[place]].key == key)) {
            place = after(place);
        }
        return table_[place];
    }

    [[nodiscard]] std::uint32_t count() const { return count_; }

    /// Throws std::bad_alloc with nothing changed.
    void insert(std::uint32_t slot) {
        if ((count_ + 1) * 4 > table_.size() * 3) {
            std::vector<std::uint32_t> larger(table_.empty() ? FIRST_SIZE : table_.size() * 2, NO_SLOT);
            table_.swap(larger);
            for (const std::uint32_t old : larger) {
                if (old != NO_SLOT) {
                    put(old);
                }
            }
        }
        put(slot);
        ++count_;
    }

    /// The slot must be in it, and still have its key.
    void erase(std::uint32_t slot) {
        std::size_t hole = home(slots_[slot].key);
        while (table_[hole] != slot) {
            hole = after(hole);
        }
        // What follows moves up as far as its home allows, so that no search meets a hole before its end.
        for (std::size_t place = after(hole); table_[place] != NO_SLOT; place = after(place)) {
            const std::size_t from_home = (place - home(slots_[table_[place]].key)) & (table_.size() - 1);
            if (from_home >= ((place - hole) & (table_.size() - 1))) {
                table_[hole] = table_[place];
                hole = place;
            }
        }
        table_[hole] = NO_SLOT;
        --count_;
    }

private:
    static constexpr std::size_t FIRST_SIZE = 16; // a power of two, as all that follow

    [[nodiscard]] std::size_t home(const Public_Key &key) const {
        std::array<std::uint8_t, crypto_shorthash_BYTES> hash;
        crypto_shorthash(hash.data(), key.data(), key.size(), hash_key_.data());
        std::size_t value;
        static_assert(sizeof value <= sizeof hash);
        std::memcpy(&value, hash.data(), sizeof value);
        return value & (table_.size() - 1);
    }

    [[nodiscard]] std::size_t after(std::size_t place) const { return (place + 1) & (table_.size() - 1); }

    void put(std::uint32_t slot) {
        std::size_t place = home(slots_[slot].key);
        while (table_[place] != NO_SLOT) {
            place = after(place);
        }
        table_[place] = slot;
    }

    const Slots<T> &slots_;
    const Hash_Key &hash_key_;
    std::vector<std::uint32_t> table_;
    std::uint32_t count_ = 0;
};

} // namespace toxtcp
