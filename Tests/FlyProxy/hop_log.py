"""One JSON line for each hop of each request."""

import json
from typing import TextIO


class HopLog:
    """Every line is out before the next step of its request."""

    def __init__(self, stream: TextIO):
        self._stream = stream

    def write(self, **members: object) -> None:
        self._stream.write(json.dumps(members) + "\n")
        self._stream.flush()
