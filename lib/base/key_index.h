// Finds a slot by the key in it: a hash table with linear probing, at most three quarters full. An entry holds the
// slot's number and a part of the key's hash, and the keys stay in the slots. A search compares the part first and so
// touches hardly any other slot: in a large array, each slot costs a cache miss.
#pragma once

#include <sodium.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <vector>

#include "base/slots.h"

namespace toxtcp {

/// The secret of the hash. Peers choose their keys: without a secret they could choose keys that all hash alike.
using Hash_Key = std::array<std::uint8_t, crypto_shorthash_KEYBYTES>;

template <class T>
class Key_Index {
public:
    /// `slots` and `hash_key` must outlive the index.
    Key_Index(const Slots<T> &slots, const Hash_Key &hash_key) : slots_(slots), hash_key_(hash_key) {}

    [[nodiscard]] std::uint32_t find(const Public_Key &key) const {
        if (count_ == 0) {
            return NO_SLOT;
        }
        const std::uint64_t hash = hash_of(key);
        for (std::size_t place = home(hash); table_[place] != FREE; place = after(place)) {
            if (hash_part_of(table_[place]) == hash_part(hash) && slots_[slot_of(table_[place])].key == key) {
                return slot_of(table_[place]);
            }
        }
        return NO_SLOT;
    }

    [[nodiscard]] std::uint32_t count() const { return count_; }

    /// Throws std::bad_alloc, and then changes nothing.
    void insert(std::uint32_t slot) {
        const std::uint64_t hash = hash_of(slots_[slot].key);
        if ((count_ + 1) * 4 > table_.size() * 3) {
            grow();
        }
        while (!put(table_, hash, slot)) {
            grow();
        }
        ++count_;
    }

    /// The slot must be in the index, and still hold its key.
    void erase(std::uint32_t slot) {
        std::size_t hole = home(hash_of(slots_[slot].key));
        while (slot_of(table_[hole]) != slot) {
            assert(table_[hole] != FREE);
            hole = after(hole);
        }
        // Entries that follow fill the hole, where their home allows it, so that no search ends too early at a hole.
        for (std::size_t place = after(hole); table_[place] != FREE; place = after(place)) {
            const std::size_t from_home =
                (place - hash_part_of(table_[place])) & (MOST_FROM_HOME & (table_.size() - 1));
            if (from_home >= ((place - hole) & (table_.size() - 1))) {
                table_[hole] = table_[place];
                hole = place;
            }
        }
        table_[hole] = FREE;
        --count_;
    }

private:
    static constexpr std::size_t FIRST_SIZE = 16; // a power of two, as all larger sizes

    /// Entry = fingerprint:4, home:8, slot:20. `home` is the low 8 bits of the place where the search begins. The
    /// fingerprint tells keys with the same home apart; 15 is not used, so that no entry equals FREE.
    using Entry = std::uint32_t;
    using Table = std::vector<Entry>;
    static constexpr Entry FREE = UINT32_MAX;
    static constexpr int SLOT_BITS = 20;
    static_assert(MAX_SLOTS == 1U << SLOT_BITS);
    /// An entry is at most this far from its home, so that 8 bits tell the home. The table grows when one would be
    /// farther.
    static constexpr std::size_t MOST_FROM_HOME = 255;

    static std::uint32_t slot_of(Entry entry) { return entry & (MAX_SLOTS - 1); }
    static std::uint32_t hash_part_of(Entry entry) { return entry >> SLOT_BITS; }
    static std::uint32_t hash_part(std::uint64_t hash) {
        return static_cast<std::uint32_t>((hash >> 32) % 15 << 8 | (hash & MOST_FROM_HOME));
    }

    [[nodiscard]] std::uint64_t hash_of(const Public_Key &key) const {
        std::uint64_t hash;
        static_assert(sizeof hash == crypto_shorthash_BYTES);
        crypto_shorthash(reinterpret_cast<std::uint8_t *>(&hash), key.data(), key.size(), hash_key_.data());
        return hash;
    }

    [[nodiscard]] std::size_t home(std::uint64_t hash) const {
        return static_cast<std::size_t>(hash) & (table_.size() - 1);
    }
    [[nodiscard]] std::size_t after(std::size_t place) const { return (place + 1) & (table_.size() - 1); }

    /// False when the entry would be too far from its home.
    static bool put(Table &table, std::uint64_t hash, std::uint32_t slot) {
        for (std::size_t i = 0; i <= MOST_FROM_HOME; ++i) {
            Entry &entry = table[(static_cast<std::size_t>(hash) + i) & (table.size() - 1)];
            if (entry == FREE) {
                entry = hash_part(hash) << SLOT_BITS | slot;
                return true;
            }
        }
        return false;
    }

    void grow() {
        Table larger;
        bool fits = false;
        for (std::size_t size = std::max(FIRST_SIZE, 2 * table_.size()); !fits; size *= 2) {
            larger.assign(size, FREE);
            fits = std::all_of(table_.begin(), table_.end(), [&](Entry entry) {
                return entry == FREE || put(larger, hash_of(slots_[slot_of(entry)].key), slot_of(entry));
            });
        }
        table_.swap(larger);
    }

    const Slots<T> &slots_;
    const Hash_Key &hash_key_;
    Table table_;
    std::uint32_t count_ = 0;
};

} // namespace toxtcp
