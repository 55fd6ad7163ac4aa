// Which slot is due next: a binary heap that knows where each slot stands in it, so that a deadline can be moved at
// any time at the cost of its depth, and asking for the first costs nothing.
#pragma once

#include <utility>
#include <vector>

#include <toxtcp/tcp_connections.h>

namespace toxtcp {

class Deadlines {
public:
    /// Makes room for slots 0..count-1, so that `set` never allocates. Throws std::bad_alloc with nothing changed.
    void reserve(std::size_t count) {
        if (count > place_.size()) {
            heap_.reserve(count + count / 4);
            place_.resize(count, NOWHERE);
        }
    }

    /// When the first is due; NEVER when none is.
    [[nodiscard]] std::uint64_t first() const { return heap_.empty() ? NEVER : heap_.front().at; }
    [[nodiscard]] std::uint32_t first_slot() const { return heap_.front().slot; }

    [[nodiscard]] std::uint64_t get(std::uint32_t slot) const {
        return place_[slot] == NOWHERE ? NEVER : heap_[place_[slot]].at;
    }

    /// NEVER takes the slot out.
    void set(std::uint32_t slot, std::uint64_t at) {
        std::uint32_t place = place_[slot];
        if (at == NEVER) {
            if (place != NOWHERE) {
                take_out(place);
            }
            return;
        }
        if (place == NOWHERE) {
            place = static_cast<std::uint32_t>(heap_.size());
            heap_.push_back({at, slot});
            place_[slot] = place;
        }
        heap_[place].at = at;
        sink(rise(place));
    }

    void set_earlier(std::uint32_t slot, std::uint64_t at) {
        if (at < get(slot)) {
            set(slot, at);
        }
    }

private:
    static constexpr std::uint32_t NOWHERE = UINT32_MAX;

    struct Entry {
        std::uint64_t at;
        std::uint32_t slot;
    };

    void swap(std::uint32_t a, std::uint32_t b) {
        std::swap(heap_[a], heap_[b]);
        place_[heap_[a].slot] = a;
        place_[heap_[b].slot] = b;
    }

    std::uint32_t rise(std::uint32_t place) {
        while (place > 0 && heap_[place].at < heap_[(place - 1) / 2].at) {
            swap(place, (place - 1) / 2);
            place = (place - 1) / 2;
        }
        return place;
    }

    void sink(std::uint32_t place) {
        const auto size = static_cast<std::uint32_t>(heap_.size());
        for (;;) {
            std::uint32_t least = place;
            for (const std::uint32_t child : {2 * place + 1, 2 * place + 2}) {
                if (child < size && heap_[child].at < heap_[least].at) {
                    least = child;
                }
            }
            if (least == place) {
                return;
            }
            swap(place, least);
            place = least;
        }
    }

    void take_out(std::uint32_t place) {
        const auto last = static_cast<std::uint32_t>(heap_.size() - 1);
        place_[heap_[place].slot] = NOWHERE;
        if (place != last) {
            heap_[place] = heap_[last];
            place_[heap_[place].slot] = place;
        }
        heap_.pop_back();
        if (place != last) {
            sink(rise(place));
        }
    }

    std::vector<Entry> heap_;
    std::vector<std::uint32_t> place_;
};

} // namespace toxtcp
