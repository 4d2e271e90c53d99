"""`make cluster`'s script: five VMs on one bus behind a stand-in for Fly's proxy, as a person runs them, and `crier vms` over them."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import urllib.error
import urllib.request

import pytest

from crier_server import REPOSITORY
from waiting import wait_until

BINARY = REPOSITORY / os.environ.get("CRIER_BIN", ".build/release/crier")
# In the order of their ports.
VMS = {"dfw": "da11a500000001", "ams": "a357e2da300002", "sin": "519a90e2000003", "lax": "105a09e1e50004", "syd": "5d9e7000000005"}


def six_free_ports() -> int:
    """The first of six neighbours that nobody listens on."""
    for first in range(18_081, 19_000, 6):
        sockets = []
        try:
            for port in range(first, first + 6):
                probe = socket.socket()
                sockets.append(probe)
                probe.bind(("127.0.0.1", port))
            return first
        except OSError:
            continue
        finally:
            for probe in sockets:
                probe.close()
    raise AssertionError("no six free ports in a row")


class Cluster:
    def __init__(self, bus: str, folder: pathlib.Path):
        self.first = six_free_ports()
        self.front = self.first + 5
        self.log = folder / "cluster.log"
        environment = {**os.environ, "BUS": bus, "CRIER_BIN": str(BINARY), "FIRST_PORT": str(self.first)}
        environment["FRONT_PORT"] = str(self.front)
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                ["scripts/cluster.sh"], cwd=REPOSITORY, env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )

    def __enter__(self) -> "Cluster":
        def is_up() -> bool:
            assert self.process.poll() is None, self.log.read_text()
            return "Ctrl-C stops everything" in self.log.read_text()

        try:
            wait_until(is_up, lambda: f"five VMs and the proxy; {self.log.read_text()}", within=60)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_) -> None:
        self.stop()

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=40)

    def pid(self, index: int) -> int:
        """The process of a VM, by its environment."""
        wanted = f"PORT={self.first + index}".encode()
        for entry in pathlib.Path("/proc").glob("[0-9]*/environ"):
            try:
                if wanted in entry.read_bytes().split(b"\0") and (entry.parent / "exe").resolve() == BINARY.resolve():
                    return int(entry.parent.name)
            except OSError:
                continue
        raise AssertionError(f"no process of VM {index}")

    def url(self, index: int) -> str:
        return f"http://127.0.0.1:{self.first + index}"

    @property
    def front_url(self) -> str:
        return f"http://127.0.0.1:{self.front}"

    def serving(self) -> str | None:
        """The VM that a request through the proxy reaches; None while the one that it reaches goes down."""
        try:
            return json.load(urllib.request.urlopen(f"{self.front_url}/ready", timeout=10))["vm"]
        except urllib.error.HTTPError as answer:
            assert answer.code in (502, 503), answer.code
            return None

    def vms(self, index: int, *options: str) -> str:
        return subprocess.run(
            [BINARY, "vms", "--server", self.url(index), *options], capture_output=True, text=True, timeout=30, check=True
        ).stdout


def publish(url: str, text: str) -> dict:
    request = urllib.request.Request(f"{url}/cluster", data=text.encode())
    return json.load(urllib.request.urlopen(request, timeout=10))


def answers(url: str) -> bool:
    try:
        return urllib.request.urlopen(f"{url}/ready", timeout=2).status == 200
    except OSError:
        return False


def held(url: str) -> list[str]:
    lines = urllib.request.urlopen(f"{url}/cluster/json?poll=1", timeout=10).read().decode().splitlines()
    return [event["message"] for event in map(json.loads, lines) if event["event"] == "message"]


@pytest.mark.parametrize("bus", ["redis", "postgres"])
def test_five_regions_are_one_broadcaster_and_ctrl_c_stops_them(bus: str, tmp_path: pathlib.Path) -> None:
    with Cluster(bus, tmp_path) as cluster:
        texts = [f"from {index}" for index in range(5)]
        ids = [publish(cluster.url(index), text)["id"] for index, text in enumerate(texts)]
        assert ids == sorted(ids) and len(set(ids)) == 5
        for index in range(5):
            wait_until(lambda index=index: held(cluster.url(index)) == texts, f"all alerts at VM {index}")
        lines = cluster.vms(3).splitlines()
        assert lines[0].split() == ["ID", "REGION", "SOCKETS", "POSITION", "LAG", "AGE"]
        assert [line.split()[:2] for line in lines[1:]] == sorted([vm, region] for region, vm in VMS.items())
        wait_until(
            lambda: all(vm["position"] == ids[-1] and vm["lag"] == 0 for vm in json.loads(cluster.vms(0, "--json"))["vms"]),
            "every VM's report that it has all",
        )
        # The proxy's edge is in Dallas; Los Angeles is the next nearest.
        assert cluster.serving() == VMS["dfw"]
        assert held(cluster.front_url) == texts
        # What is killed is started again, and goes on where it was. Meanwhile another takes its place.
        os.kill(cluster.pid(0), signal.SIGKILL)
        wait_until(lambda: cluster.serving() == VMS["lax"], "another VM to serve what comes through the proxy")
        wait_until(lambda: "Dallas has ended" in cluster.log.read_text(), "the end of a VM to be noticed")
        wait_until(lambda: answers(cluster.url(0)), "the VM to be back")
        wait_until(lambda: cluster.serving() == VMS["dfw"], "the VM that is back to serve what comes through the proxy")
        publish(cluster.front_url, "after")
        for index in range(5):
            wait_until(lambda index=index: held(cluster.url(index)) == [*texts, "after"], f"all alerts at VM {index}")
    assert cluster.process.returncode == 0, cluster.log.read_text()
    assert "stopping 5 VMs\nstopping the proxy\nstopping " in cluster.log.read_text()
    for url in [cluster.front_url, *map(cluster.url, range(5))]:
        with pytest.raises(urllib.error.URLError):
            urllib.request.urlopen(url, timeout=2)
