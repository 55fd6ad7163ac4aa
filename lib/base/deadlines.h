// Deadlines: which slot is due next. A binary heap, with the place of each slot in the heap. Changing a deadline costs
// O(log n), and reading the first deadline costs O(1).
#pragma once

#include <algorithm>
#include <cassert>
#include <vector>

#include <toxtcp/types.h>

namespace toxtcp {

class Deadlines {
    /// Entry = time:44, slot:20, so that entries sort by time. 44 bits hold the ms of 500 years.
    using Entry = std::uint64_t;
    static constexpr int SLOT_BITS = 20;
    static_assert(MAX_SLOTS == 1U << SLOT_BITS);

public:
    /// A later deadline is set to this time.
    static constexpr std::uint64_t LATEST = UINT64_MAX >> SLOT_BITS;

    /// Makes room for slots 0..count-1, so that `set` never allocates. Throws std::bad_alloc, and then changes nothing.
    void reserve(std::size_t count) {
        if (count > place_.capacity()) {
            const std::size_t room = count + count / 4;
            heap_.reserve(room);
            place_.reserve(room);
        }
        if (count > place_.size()) {
            place_.resize(count, NOWHERE);
        }
    }

    /// When the first slot is due; NEVER when there is no deadline.
    [[nodiscard]] std::uint64_t first() const { return heap_.empty() ? NEVER : time_of(heap_.front()); }
    /// There must be a deadline.
    [[nodiscard]] std::uint32_t first_slot() const {
        assert(!heap_.empty());
        return slot_of(heap_.front());
    }

    [[nodiscard]] std::uint64_t get(std::uint32_t slot) const {
        assert(slot < place_.size());
        return place_[slot] == NOWHERE ? NEVER : time_of(heap_[place_[slot]]);
    }

    /// Sets the deadline of a slot. NEVER removes it.
    void set(std::uint32_t slot, std::uint64_t at) {
        assert(slot < place_.size());
        std::uint32_t place = place_[slot];
        if (at == NEVER) {
            if (place != NOWHERE) {
                take_out(place);
            }
            return;
        }
        if (place == NOWHERE) {
            place = static_cast<std::uint32_t>(heap_.size());
            heap_.push_back(0);
        }
        put(place, std::min(at, LATEST) << SLOT_BITS | slot);
        sink(rise(place));
    }

    void set_earlier(std::uint32_t slot, std::uint64_t at) {
        if (at < get(slot)) {
            set(slot, at);
        }
    }

private:
    static constexpr std::uint32_t NOWHERE = UINT32_MAX;

    static std::uint64_t time_of(Entry entry) { return entry >> SLOT_BITS; }
    static std::uint32_t slot_of(Entry entry) { return static_cast<std::uint32_t>(entry & (MAX_SLOTS - 1)); }

    void put(std::uint32_t place, Entry entry) {
        heap_[place] = entry;
        place_[slot_of(entry)] = place;
    }

    std::uint32_t rise(std::uint32_t place) {
        const Entry entry = heap_[place];
        while (place > 0 && entry < heap_[(place - 1) / 2]) {
            put(place, heap_[(place - 1) / 2]);
            place = (place - 1) / 2;
        }
        put(place, entry);
        return place;
    }

    void sink(std::uint32_t place) {
        const Entry entry = heap_[place];
        const auto size = static_cast<std::uint32_t>(heap_.size());
        for (std::uint32_t child = 2 * place + 1; child < size; child = 2 * place + 1) {
            child += child + 1 < size && heap_[child + 1] < heap_[child];
            if (entry <= heap_[child]) {
                break;
            }
            put(place, heap_[child]);
            place = child;
        }
        put(place, entry);
    }

    void take_out(std::uint32_t place) {
        const Entry last = heap_.back();
        place_[slot_of(heap_[place])] = NOWHERE;
        heap_.pop_back();
        if (place != heap_.size()) {
            put(place, last);
            sink(rise(place));
        }
    }

    std::vector<Entry> heap_;
    std::vector<std::uint32_t> place_;
};

} // namespace toxtcp
