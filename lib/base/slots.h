// An array of slots, one flat vector. A handle carries its slot's generation, so that a stale handle never means the
// slot's next tenant. Adding a slot may move all others: no reference into the array outlives an addition, and so none
// outlives a callback of the host. Index again.
#pragma once

#include <vector>

#include <toxtcp/types.h>

namespace toxtcp {

inline constexpr std::uint32_t NO_SLOT = UINT32_MAX;

template <class T>
class Slots {
public:
    explicit Slots(std::uint32_t limit) : limit_(limit) {}

    /// The slot of a handle that is still good, or NO_SLOT. The host has named it.
    [[nodiscard]] std::uint32_t find(int handle) const {
        const auto index = static_cast<std::uint32_t>(handle) & (MAX_SLOTS - 1);
        if (handle < 0 || index >= size() || !used(index) || encoded(index) != handle) {
            return NO_SLOT;
        }
        slots_[index].shown = true; // whoever names it may go on to
        return index;
    }

    /// The slot's handle, to be shown to the host: from now on the host may hold it.
    [[nodiscard]] int handle(std::uint32_t index) const {
        slots_[index].shown = true;
        return encoded(index);
    }

    [[nodiscard]] bool used(std::uint32_t index) const { return slots_[index].used; }
    T &operator[](std::uint32_t index) { return slots_[index].value; }
    const T &operator[](std::uint32_t index) const { return slots_[index].value; }

    /// Slots that were ever used.
    [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(slots_.size()); }
    /// Slots in use now.
    [[nodiscard]] std::uint32_t count() const { return count_; }
    /// Whether `add` would answer NO_SLOT.
    [[nodiscard]] bool full() const { return free_ == NO_SLOT && size() >= limit_; }

    /// A fresh tenant, or NO_SLOT at the limit. May move every slot. Throws std::bad_alloc with nothing changed.
    std::uint32_t add() {
        std::uint32_t index = free_;
        if (index != NO_SLOT) {
            free_ = slots_[index].next_free;
        } else if (!full()) {
            if (slots_.size() == slots_.capacity()) {
                slots_.reserve(slots_.size() + slots_.size() / 8 + 4); // doubling would waste half of a large array
            }
            index = size();
            slots_.emplace_back();
        } else {
            return NO_SLOT;
        }
        slots_[index].used = true;
        ++count_;
        return index;
    }

    /// The tenant goes. Its handle is stale from now on; a handle that the host never saw costs no generation.
    void remove(std::uint32_t index) {
        Slot &slot = slots_[index];
        slot.value = T{};
        slot.used = false;
        --count_;
        slot.generation = static_cast<std::uint16_t>(slot.generation + slot.shown);
        slot.shown = false;
        if (slot.generation < MAX_GENERATIONS) {
            slot.next_free = free_;
            free_ = index;
        }
    }

private:
    struct Slot {
        T value{};
        std::uint32_t next_free = NO_SLOT;
        std::uint16_t generation = 0;
        bool used = false;
        mutable bool shown = false; ///< the host may hold the handle
    };

    [[nodiscard]] int encoded(std::uint32_t index) const {
        return static_cast<int>(slots_[index].generation * MAX_SLOTS + index);
    }

    std::vector<Slot> slots_;
    std::uint32_t count_ = 0;
    std::uint32_t free_ = NO_SLOT;
    std::uint32_t limit_;
};

} // namespace toxtcp
