// Included first in each file. Removes what Linux has beyond POSIX, so that a file which needs it does not compile.
#pragma once

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <chrono>

#undef SOCK_NONBLOCK
#undef SOCK_CLOEXEC
#undef __linux__

// With their guards defined here, these headers declare nothing.
#define _SYS_EPOLL_H 1
#define _SYS_EVENTFD_H 1
#define _SYS_SIGNALFD_H 1
#define _SYS_TIMERFD_H 1
#define __LINUX_NETLINK_H
#define __LINUX_RTNETLINK_H
#define __LINUX_MAGIC_H__
#define _SYS_PRCTL_H 1
#define _SYS_VFS_H 1
#define _SYS_XATTR_H 1
