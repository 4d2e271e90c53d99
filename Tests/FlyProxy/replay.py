"""What a backend says with `fly-replay`: the header form and the JSON form, both pure."""

import json
import re
from dataclasses import dataclass

from heads import is_field, is_target
from limits import MAX_REPLAY_TIMEOUT_SECONDS

JSON_TYPE = "application/vnd.fly.replay+json"

_INSTANCE = re.compile(r"[0-9A-Za-z]{1,64}")
_REGION_NAME = re.compile(r"[a-z]{2,8}")
_APP = re.compile(r"[0-9a-z-]{1,64}")
_DURATION = re.compile(r"([0-9]{1,9})(ms|s|m)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0}
_FIELDS = {"region", "instance", "prefer_instance", "app", "state", "elsewhere", "timeout", "fallback"}
# What a transformation may not touch, since it says where the request ends and what it is.
_FRAMING = {"connection", "content-length", "expect", "host", "transfer-encoding", "upgrade"}


class ReplayError(Exception):
    """The backend's instruction is malformed, or asks for what does not exist."""


@dataclass(frozen=True)
class Replay:
    """`timeout` is in seconds. The last three are the JSON form's."""

    regions: tuple[str, ...] = ()
    instance: str | None = None
    prefer_instance: str | None = None
    app: str | None = None
    state: str | None = None
    elsewhere: bool = False
    timeout: float | None = None
    fallback: str | None = None
    path: str | None = None
    set_headers: tuple[tuple[str, str], ...] = ()
    delete_headers: frozenset[str] = frozenset()


def parse_header(value: str) -> Replay:
    """Of `field=value` or `field="value"`, separated by `;`. ReplayError at anything else."""
    fields: dict[str, str] = {}
    for part in _split(value):
        name, equals, content = (piece.strip() for piece in part.partition("="))
        if not equals or name not in _FIELDS:
            raise ReplayError(f"unknown field {part.strip()!r}")
        if name in fields:
            raise ReplayError(f"{name} stands twice")
        if content.startswith('"'):
            if len(content) < 2 or not content.endswith('"') or '"' in content[1:-1]:
                raise ReplayError(f"{name} is quoted wrongly")
            content = content[1:-1]
        elif "," in content or '"' in content:
            raise ReplayError(f"{name} needs quotes")
        fields[name] = content
    return _replay(fields)


def parse_json(body: bytes) -> Replay:
    try:
        members = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ReplayError("the replay's body is no JSON") from error
    if not isinstance(members, dict):
        raise ReplayError("the replay's body is no object")
    transform = members.pop("transform", {})
    elsewhere = members.pop("elsewhere", False)
    if not isinstance(elsewhere, bool):
        raise ReplayError("elsewhere is true or false")
    for name, value in members.items():
        if name not in _FIELDS or not isinstance(value, str):
            raise ReplayError(f"unknown field {name!r}, or one that is no string")
    fields = members | ({"elsewhere": "true"} if elsewhere else {})
    return _replay(fields, *_transformation(transform))


def _split(value: str) -> list[str]:
    """At the `;` outside of quotes."""
    parts, quoted = [""], False
    for character in value:
        quoted ^= character == '"'
        if character == ";" and not quoted:
            parts.append("")
        else:
            parts[-1] += character
    if len(parts) > 1 and not parts[-1].strip():
        parts.pop()
    return parts


def _replay(
    fields: dict[str, str],
    path: str | None = None,
    set_headers: tuple[tuple[str, str], ...] = (),
    delete_headers: frozenset[str] = frozenset(),
) -> Replay:
    def matching(name: str, pattern: re.Pattern[str]) -> str | None:
        value = fields.get(name)
        if value is not None and not pattern.fullmatch(value):
            raise ReplayError(f"{name} is malformed")
        return value

    regions = tuple(region.strip() for region in fields["region"].split(",")) if "region" in fields else ()
    if not all(_REGION_NAME.fullmatch(region) for region in regions):
        raise ReplayError("region is malformed")
    if fields.get("elsewhere", "true") not in ("true", "false"):
        raise ReplayError("elsewhere is true or false")
    if fields.get("fallback", "force_self") not in ("force_self", "prefer_self"):
        raise ReplayError("fallback is force_self or prefer_self")
    state = fields.get("state")
    if state is not None and (not is_field("state", state) or ";" in state):
        raise ReplayError("state cannot stand in a header")
    replay = Replay(
        regions=regions,
        instance=matching("instance", _INSTANCE),
        prefer_instance=matching("prefer_instance", _INSTANCE),
        app=matching("app", _APP),
        state=state,
        elsewhere=fields.get("elsewhere") == "true",
        timeout=_duration(fields["timeout"]) if "timeout" in fields else None,
        fallback=fields.get("fallback"),
        path=path,
        set_headers=set_headers,
        delete_headers=delete_headers,
    )
    if replay.instance and replay.prefer_instance:
        raise ReplayError("instance and prefer_instance exclude each other")
    if not (replay.regions or replay.instance or replay.prefer_instance or replay.app or replay.elsewhere):
        raise ReplayError("it does not say where to")
    return replay


def _duration(text: str) -> float:
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ReplayError("timeout is malformed")
    seconds = int(match[1]) * _SECONDS[match[2]]
    if not 0 < seconds <= MAX_REPLAY_TIMEOUT_SECONDS:
        raise ReplayError(f"timeout is above 0 and at most {MAX_REPLAY_TIMEOUT_SECONDS:.0f} s")
    return seconds


def _transformation(transform: object) -> tuple[str | None, tuple[tuple[str, str], ...], frozenset[str]]:
    if not isinstance(transform, dict) or transform.keys() - {"path", "set_headers", "delete_headers"}:
        raise ReplayError("transform is malformed")
    path, deleted, added = transform.get("path"), transform.get("delete_headers", []), transform.get("set_headers", [])
    if path is not None and (not isinstance(path, str) or not is_target(path)):
        raise ReplayError("transform.path is malformed")
    if not isinstance(deleted, list) or not all(isinstance(name, str) and name.lower() not in _FRAMING for name in deleted):
        raise ReplayError("transform.delete_headers is malformed")
    if not isinstance(added, list) or not all(_is_settable(each) for each in added):
        raise ReplayError("transform.set_headers is malformed")
    return path, tuple((each["name"], each["value"]) for each in added), frozenset(name.lower() for name in deleted)


def _is_settable(each: object) -> bool:
    return (
        isinstance(each, dict)
        and each.keys() == {"name", "value"}
        and all(isinstance(part, str) for part in each.values())
        and is_field(each["name"], each["value"])
        and each["name"].lower() not in _FRAMING
    )
