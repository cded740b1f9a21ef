"""Cuts a thread, and all that it starts, off from every network but loopback, where the system lets us.

Watching what a page asks for is not enough: a browser also reaches for its maker by itself.
"""

import ctypes
import fcntl
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager

# <linux/sched.h>, <linux/sockios.h> and <linux/if.h>; the `os` module has these calls from Python 3.12 on only.
_CLONE_NEWNET = 0x40000000
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 0x1


@contextmanager
def loopback_only() -> Iterator[bool]:
    """For the time of the block, the calling thread is in a network namespace of its own that has loopback only.

    Processes and threads that it starts meanwhile are in there with it, for good. Yields False, with nothing changed,
    where that takes a right that this process lacks (it needs CAP_SYS_ADMIN) or the system is not Linux.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "unshare"):
        yield False
        return
    with open("/proc/thread-self/ns/net", "rb") as outside:
        if libc.unshare(_CLONE_NEWNET) != 0:
            yield False
            return
        try:
            _bring_loopback_up()
            yield True
        finally:
            if libc.setns(outside.fileno(), _CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "cannot return to the machine's network")


def _bring_loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sh", b"lo", _IFF_UP))
