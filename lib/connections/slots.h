// An array of slots whose numbers carry a generation, so that a number outlives its slot's tenant without ever
// meaning the next one. Slots lie in blocks that do not move: a callback may add one while another is in use.
#pragma once

#include <memory>
#include <vector>

#include <toxtcp/tcp_connections.h>

namespace toxtcp {

inline constexpr std::uint32_t NO_SLOT = UINT32_MAX;

template <class T>
class Slots {
public:
    explicit Slots(std::uint32_t limit) : limit_(limit) {}

    /// The slot of a number that was handed out and is still good, or NO_SLOT.
    [[nodiscard]] std::uint32_t find(int number) const {
        const auto index = static_cast<std::uint32_t>(number) & (MAX_SLOTS - 1);
        return number >= 0 && index < size_ && used(index) && this->number(index) == number ? index : NO_SLOT;
    }

    [[nodiscard]] int number(std::uint32_t index) const {
        return static_cast<int>(slot(index).generation * MAX_SLOTS + index);
    }

    [[nodiscard]] bool used(std::uint32_t index) const { return slot(index).used; }
    T &operator[](std::uint32_t index) { return slot(index).value; }
    const T &operator[](std::uint32_t index) const { return slot(index).value; }

    /// Slots that were ever used; those in use now.
    [[nodiscard]] std::uint32_t size() const { return size_; }
    [[nodiscard]] std::uint32_t count() const { return count_; }

    /// A fresh tenant, or NO_SLOT at the limit. Throws std::bad_alloc with nothing changed.
    std::uint32_t add() {
        std::uint32_t index = free_;
        if (index != NO_SLOT) {
            free_ = slot(index).next_free;
        } else if (size_ < limit_) {
            if (size_ == blocks_.size() * BLOCK) {
                blocks_.push_back(std::make_unique<Slot[]>(BLOCK));
            }
            index = size_++;
        } else {
            return NO_SLOT;
        }
        slot(index).used = true;
        ++count_;
        return index;
    }

    /// The tenant goes, and every number that meant it is stale from now on.
    void remove(std::uint32_t index) {
        Slot &s = slot(index);
        s.value = T{};
        s.used = false;
        --count_;
        if (++s.generation < MAX_GENERATIONS) {
            s.next_free = free_;
            free_ = index;
        }
    }

private:
    static constexpr std::uint32_t BLOCK = 16;

    struct Slot {
        T value{};
        std::uint32_t next_free = NO_SLOT;
        std::uint16_t generation = 0;
        bool used = false;
    };

    Slot &slot(std::uint32_t index) { return blocks_[index / BLOCK][index % BLOCK]; }
    const Slot &slot(std::uint32_t index) const { return blocks_[index / BLOCK][index % BLOCK]; }

    std::vector<std::unique_ptr<Slot[]>> blocks_;
    std::uint32_t size_ = 0;
    std::uint32_t count_ = 0;
    std::uint32_t free_ = NO_SLOT;
    std::uint32_t limit_;
};

} // namespace toxtcp
