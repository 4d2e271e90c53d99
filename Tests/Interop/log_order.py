"""What the ids of any reader's alerts must look like."""

import re

ID = re.compile(r"[0-9A-Za-z]{12}")
_DIGITS = {digit: value for value, digit in enumerate("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")}


def assert_log_order(ids: list[str]) -> None:
    """Well-formed, ascending, none twice."""
    for identifier in ids:
        assert ID.fullmatch(identifier), identifier
    assert ids == sorted(set(ids)), f"not in log order, or not unique: {ids}"


def after(identifier: str, count: int) -> str:
    """The id `count` places after this one in the same epoch."""
    offset = 0
    for digit in identifier[6:]:
        offset = offset * 62 + _DIGITS[digit]
    offset += count
    digits = ""
    for _ in range(6):
        offset, digit = divmod(offset, 62)
        digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"[digit] + digits
    return identifier[:6] + digits
