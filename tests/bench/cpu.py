"""CPU time and memory of a process and its children, exact enough for a request's share.

The kernel keeps a clock for each process (CLOCK_PROCESS_CPUTIME_ID of its pid) that counts nanoseconds; /proc/PID/stat holds the same
time in ticks of 10 ms, too coarse for a proxy that needs 20 microseconds a request.
"""

from __future__ import annotations

import time

import psutil


def tree(pid: int) -> list[int]:
    try:
        return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
    except psutil.NoSuchProcess:
        return []


def seconds(pid: int) -> float:
    """User and system time of all that runs now under this process."""
    total = 0
    for one in tree(pid):
        try:
            total += time.clock_gettime_ns((~one << 3) | 2)
        except OSError:
            continue
    return total / 1e9


def rss_bytes(pid: int) -> int:
    """Resident memory of the process alone."""
    return psutil.Process(pid).memory_info().rss


def written_bytes(pid: int) -> int:
    """What it had the kernel write to disk (write_bytes of /proc/PID/io), in bytes."""
    with open(f"/proc/{pid}/io") as io:
        return next(int(line.split()[1]) for line in io if line.startswith("write_bytes"))


def socket_memory_bytes() -> int:
    """Pages that the kernel holds for all TCP sockets of this machine, in bytes."""
    with open("/proc/net/sockstat") as stat:
        words = next(line for line in stat if line.startswith("TCP:")).split()
    return int(words[words.index("mem") + 1]) * 4096
