"""Where Fly's regions are: which is near, and which an alias means."""

import math

# Latitude, longitude, and the aliases that cover the region.
_PLACES: dict[str, tuple[float, float, frozenset[str]]] = {
    "ams": (52.4, 4.9, frozenset({"eu"})),
    "arn": (59.3, 18.1, frozenset({"eu"})),
    "bom": (19.1, 72.9, frozenset({"apac"})),
    "cdg": (48.9, 2.4, frozenset({"eu"})),
    "dfw": (32.8, -96.8, frozenset({"us", "na"})),
    "ewr": (40.7, -74.2, frozenset({"us", "na"})),
    "fra": (50.1, 8.7, frozenset({"eu"})),
    "gru": (-23.5, -46.6, frozenset({"sa"})),
    "iad": (39.0, -77.5, frozenset({"us", "na"})),
    "jnb": (-26.2, 28.0, frozenset()),
    "lax": (34.1, -118.2, frozenset({"us", "na"})),
    "lhr": (51.5, -0.1, frozenset({"eu"})),
    "nrt": (35.7, 139.7, frozenset({"apac"})),
    "ord": (41.9, -87.6, frozenset({"us", "na"})),
    "sin": (1.4, 103.8, frozenset({"apac"})),
    "sjc": (37.3, -121.9, frozenset({"us", "na"})),
    "syd": (-33.9, 151.2, frozenset({"apac"})),
    "yyz": (43.7, -79.4, frozenset({"na"})),
}


def covers(name: str, region: str) -> bool:
    """Whether a name in a list of regions, a code or an alias, means this region."""
    if name in ("any", region):
        return True
    place = _PLACES.get(region)
    return place is not None and ("us" if name == "usa" else name) in place[2]


def distance(one: str, other: str) -> float:
    """The angle between two regions, in radians. An unknown region is farther than any other, except from itself."""
    if one == other:
        return 0.0
    here, there = _PLACES.get(one), _PLACES.get(other)
    if here is None or there is None:
        return math.inf
    north, north_there = math.radians(here[0]), math.radians(there[0])
    cosine = math.sin(north) * math.sin(north_there)
    cosine += math.cos(north) * math.cos(north_there) * math.cos(math.radians(here[1] - there[1]))
    return math.acos(max(-1.0, min(1.0, cosine)))
