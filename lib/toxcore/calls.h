// Helpers for calls from C and for callbacks into C.
#pragma once

namespace toxtcp::toxcore {

/// The result of `call`, or `failed` if it throws. No exception may cross the C ABI. If memory runs out, the call
/// fails, as it would in C.
template <class Result, class Call>
Result guarded(Result failed, Call call) noexcept {
    try {
        return call();
    } catch (...) {
        return failed;
    }
}

template <class Call>
void guarded(Call call) noexcept {
    try {
        call();
    } catch (...) {
        // No result could report the failure.
    }
}

/// A C callback and its object. A null callback is not called.
template <class Callback>
struct Handler {
    Callback *callback = nullptr;
    void *object = nullptr;

    template <class... Arguments>
    void operator()(Arguments... arguments) const {
        if (callback != nullptr) {
            callback(object, arguments...);
        }
    }
};

} // namespace toxtcp::toxcore
