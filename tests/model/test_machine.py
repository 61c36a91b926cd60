"""What the machine is told: the allocator takes its setting, threads are given back."""

import platform

import pytest
import torch

from swimmy_db.errors import UsageError
from swimmy_db.model.machine import devices, keep_freed_memory, one_thread


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


def test_networks_run_on_every_accelerator_else_on_the_cpu(monkeypatch):
    monkeypatch.delenv("SWIMMY_DEVICES", raising=False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert devices() == ("cuda:0", "cuda:1")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    assert devices() == ("cpu",)


def test_devices_may_be_chosen_and_one_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setenv("SWIMMY_DEVICES", "cpu:0, cpu:1")
    assert devices() == ("cpu:0", "cpu:1")
    monkeypatch.setenv("SWIMMY_DEVICES", "cpu,abacus")
    with pytest.raises(UsageError, match="SWIMMY_DEVICES: abacus"):
        devices()
