// Calls from C and calls to C.
#pragma once

namespace toxtcp::toxcore {

/// What `call` answers, or `failed` when it throws: no exception crosses the C ABI, and a call that runs out of memory
/// fails as it would in C.
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
        // There is nobody to tell.
    }
}

/// A callback, as it was set. Null: nobody wants to know.
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
