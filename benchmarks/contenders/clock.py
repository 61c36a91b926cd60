"""What every contender prints: the seconds of its work and the versions that did it."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version


@contextmanager
def timed(*packages: str) -> Iterator[dict]:
    """Time a block and print the seconds as JSON; what is put into the yielded dictionary is printed too."""
    more: dict = {}
    begin = time.perf_counter()
    yield more
    seconds = time.perf_counter() - begin
    print(json.dumps({"seconds": seconds, **more, "versions": {name: version(name) for name in packages}}))
