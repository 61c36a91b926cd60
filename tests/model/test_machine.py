"""What the machine is told: the allocator takes its setting, threads are given back."""

import platform

import pytest
import torch

from swimmy_db.model.machine import keep_freed_memory, one_thread


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="mallopt is glibc's")
def test_glibc_takes_the_setting():
    assert keep_freed_memory()
    assert keep_freed_memory()


def test_elsewhere_nothing_is_done(monkeypatch):
    monkeypatch.setattr("sys.platform", "darwin")
    keep_freed_memory.cache_clear()
    assert not keep_freed_memory()
    keep_freed_memory.cache_clear()


def test_the_number_of_threads_is_given_back_even_after_a_failure():
    torch.set_num_threads(2)
    inside = []
    with pytest.raises(KeyError), one_thread():
        inside.remove({}["absent"])
    with one_thread():
        inside.append(torch.get_num_threads())
    assert inside == [1]
    assert torch.get_num_threads() == 2
