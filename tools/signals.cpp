#include "signals.h"

#include <csignal>

#include <sys/signalfd.h>
#include <unistd.h>

namespace toxtcp {

int open_signals(std::initializer_list<int> signals) {
    sigset_t set;
    sigemptyset(&set);
    for (const int signal : signals) {
        sigaddset(&set, signal);
    }
    sigprocmask(SIG_BLOCK, &set, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
}

int next_signal(int descriptor) {
    signalfd_siginfo signal{};
    const bool came = read(descriptor, &signal, sizeof signal) == static_cast<ssize_t>(sizeof signal);
    return came ? static_cast<int>(signal.ssi_signo) : 0;
}

} // namespace toxtcp
