// Finds a slot by its tenant's key: a table of slot numbers that is never more than three quarters full, so that
// a search ends after a few, however many there are. The keys stay where they are, in the slots; beside each number stands
// a part of its key's hash, so that hardly any slot but the one that is looked for is touched: in a large array each costs
// a cache miss.
#pragma once

#include <sodium.h>

#include <algorithm>
#include <array>
#include <vector>

#include "base/slots.h"

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
        const std::uint64_t hash = hash_of(key);
        for (std::size_t place = home(hash); table_[place] != FREE; place = after(place)) {
            if (mark_of(table_[place]) == mark(hash) && slots_[slot_of(table_[place])].key == key) {
                return slot_of(table_[place]);
            }
        }
        return NO_SLOT;
    }

    [[nodiscard]] std::uint32_t count() const { return count_; }

    /// Throws std::bad_alloc with nothing changed.
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

    /// The slot must be in it, and still have its key.
    void erase(std::uint32_t slot) {
        std::size_t hole = home(hash_of(slots_[slot].key));
        while (slot_of(table_[hole]) != slot) {
            hole = after(hole);
        }
        // What follows moves up as far as its home allows, so that no search meets a hole before its end.
        for (std::size_t place = after(hole); table_[place] != FREE; place = after(place)) {
            const std::size_t from_home = (place - mark_of(table_[place])) & (MOST_FROM_HOME & (table_.size() - 1));
            if (from_home >= ((place - hole) & (table_.size() - 1))) {
                table_[hole] = table_[place];
                hole = place;
            }
        }
        table_[hole] = FREE;
        --count_;
    }

private:
    static constexpr std::size_t FIRST_SIZE = 16; // a power of two, as all that follow

    /// A slot, the last 8 bits of its home in the table, and 4 bits (never all of them) that tell those of one home apart.
    using Entry = std::uint32_t;
    using Table = std::vector<Entry>;
    static constexpr Entry FREE = UINT32_MAX;
    static constexpr int SLOT_BITS = 20;
    static_assert(MAX_SLOTS == 1U << SLOT_BITS);
    /// No entry stands farther from its home, so that 8 bits tell where that is; rather, the table grows.
    static constexpr std::size_t MOST_FROM_HOME = 255;

    static std::uint32_t slot_of(Entry entry) { return entry & (MAX_SLOTS - 1); }
    static std::uint32_t mark_of(Entry entry) { return entry >> SLOT_BITS; }
    static std::uint32_t mark(std::uint64_t hash) {
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

    /// False when it would stand too far from its home.
    static bool put(Table &table, std::uint64_t hash, std::uint32_t slot) {
        for (std::size_t i = 0; i <= MOST_FROM_HOME; ++i) {
            Entry &entry = table[(static_cast<std::size_t>(hash) + i) & (table.size() - 1)];
            if (entry == FREE) {
                entry = mark(hash) << SLOT_BITS | slot;
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
