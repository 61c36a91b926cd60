"""What the machine is told before a network runs on it: memory, threads, precision."""

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

import torch

from swimmy_db.errors import UsageError

CHOSEN_DEVICES = "SWIMMY_DEVICES"
M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4  # glibc's malloc.h


@cache
def keep_freed_memory() -> bool:
    """Tell glibc's malloc not to hand memory back, once a process; doubles the training rate on a CPU (measured).

    Large tensors come and go at every step, and the kernel zeroes each page that it gives anew.
    Returns whether it was told: elsewhere than in glibc (macOS, musl) nothing is done.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        return False
    settings = ((M_MMAP_MAX, 0), (M_TRIM_THRESHOLD, -1), (M_TOP_PAD, 256 * 1024 * 1024))
    return all([mallopt(name, value) == 1 for name, value in settings])


def exact_float32() -> None:
    """Keep float32 what it says on an accelerator too: cuDNN would round convolutions to TF32's ten bits."""
    torch.backends.cudnn.allow_tf32 = False


def devices() -> tuple[str, ...]:
    """Where networks run: every CUDA device, else the CPU; or what SWIMMY_DEVICES lists, such as cuda:1,cuda:2.

    Raises UsageError for a name that is none of a device.
    """
    chosen = [name.strip() for name in os.environ.get(CHOSEN_DEVICES, "").split(",") if name.strip()]
    if not chosen:
        return tuple(f"cuda:{k}" for k in range(torch.cuda.device_count())) or ("cpu",)
    for name in chosen:
        try:
            torch.empty(0, device=name)
        except (RuntimeError, AssertionError) as fault:
            raise UsageError(f"{CHOSEN_DEVICES}: {name}: {str(fault).splitlines()[0]}") from None
    return tuple(chosen)


@contextmanager
def one_thread() -> Iterator[None]:
    """Sums in one order: what makes a run repeatable to the last bit on a CPU."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
