// An array of slots in one flat vector, with handles for the host. A handle holds the slot's index and generation:
// after the slot is removed, its old handle is refused, also when the slot is used again. `add` may move all slots, and
// a callback of the host may call `add`: do not keep a reference into the array across either, but index again.
#pragma once

#include <cassert>
#include <vector>

#include <toxtcp/types.h>

namespace toxtcp {

inline constexpr std::uint32_t NO_SLOT = UINT32_MAX;

template <class T>
class Slots {
public:
    explicit Slots(std::uint32_t limit) : limit_(limit) {}

    /// The slot of a handle that the host has given, or NO_SLOT when the handle is not valid (any more).
    [[nodiscard]] std::uint32_t find(int handle) const {
        const auto index = static_cast<std::uint32_t>(handle) & (MAX_SLOTS - 1);
        if (handle < 0 || index >= size() || !used(index) || encoded(index) != handle) {
            return NO_SLOT;
        }
        slots_[index].handle_given = true; // the host may use the handle again
        return index;
    }

    /// The slot's handle, to be given to the host. From now on the host may hold it.
    [[nodiscard]] int handle(std::uint32_t index) const {
        slots_[index].handle_given = true;
        return encoded(index);
    }

    [[nodiscard]] bool used(std::uint32_t index) const { return slots_[index].used; }
    T &operator[](std::uint32_t index) {
        assert(index < size());
        return slots_[index].value;
    }
    const T &operator[](std::uint32_t index) const {
        assert(index < size());
        return slots_[index].value;
    }

    /// Slots that were ever used.
    [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(slots_.size()); }
    /// Slots in use now.
    [[nodiscard]] std::uint32_t count() const { return count_; }
    /// Whether `add` would answer NO_SLOT.
    [[nodiscard]] bool full() const { return free_ == NO_SLOT && size() >= limit_; }

    /// Adds a slot with a new value; NO_SLOT at the limit. May move every slot. Throws std::bad_alloc, and then changes
    /// nothing.
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

    /// Removes the slot. Its handle is refused from now on. A slot whose handle the host never had keeps its
    /// generation.
    void remove(std::uint32_t index) {
        Slot &slot = slots_[index];
        assert(slot.used);
        slot.value = T{};
        slot.used = false;
        --count_;
        slot.generation = static_cast<std::uint16_t>(slot.generation + slot.handle_given);
        slot.handle_given = false;
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
        mutable bool handle_given = false; ///< the host may hold the handle
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
