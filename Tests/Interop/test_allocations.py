"""What a delivery may cost in allocations, which is the same on every machine: counted by a library that the server is started with."""

import json
import pathlib
import struct
import subprocess

import pytest

from crier_server import CrierServer
from test_bench import bench

# Allocations that an alert may cost from its publisher's frame to its readers' sockets, however many readers there are.
AN_ALERT = 80
# Allocations that one more reader may add to an alert.
A_DELIVERY = 0.02

FEW, MANY = 50, 1050
ALERTS_A_SECOND = 100
SHORT, LONG = 1, 5


@pytest.fixture
def counted_server(tmp_path):
    library = tmp_path / "count_allocations.so"
    source = pathlib.Path(__file__).with_name("count_allocations.c")
    subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-shared", "-fPIC", "-o", library, source], check=True)
    count = tmp_path / "count"
    count.write_bytes(bytes(8))
    server = CrierServer(THREADS="1", LD_PRELOAD=str(library), ALLOCATION_COUNT=str(count))
    server.start()
    try:
        yield server, lambda: struct.unpack("=Q", count.read_bytes())[0]
        server.stop()
    finally:
        server.discard()


def allocations_an_alert(server, count, form: str, sockets: int) -> float:
    """Two runs that differ in their length only: what the longer has more of is neither connecting nor leaving."""

    def run(seconds: int) -> tuple[int, int]:
        before = count()
        done = bench(
            server.url,
            *("--form", form, "--sockets", str(sockets), "--rate", str(ALERTS_A_SECOND), "--seconds", str(seconds), "--json"),
        )
        assert done.returncode == 0, (done.stdout, done.stderr)
        return count() - before, json.loads(done.stdout)["published"]

    run(SHORT)
    short, few = run(SHORT)
    long, more = run(LONG)
    return (long - short) / (more - few)


@pytest.mark.parametrize("form", ["ws", "sse"])
def test_a_delivery_allocates_nothing(counted_server, form):
    server, count = counted_server
    with_few = allocations_an_alert(server, count, form, FEW)
    with_many = allocations_an_alert(server, count, form, MANY)
    a_delivery = (with_many - with_few) / (MANY - FEW)
    print(f"{form}: {with_few:.1f} allocations an alert with {FEW} readers, {with_many:.1f} with {MANY}: {a_delivery:.4f} a delivery")
    assert 1 < with_few < AN_ALERT
    assert a_delivery < A_DELIVERY
