"""The servers that are measured: how each is started, what it speaks, and which version it is."""

import contextlib
import dataclasses
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from places import BENCHMARKS, ROOT
from programs import ENVIRONMENT, FLOOR

PEERS = BENCHMARKS / "peers"
BARE_HUMMINGBIRD = ROOT / ".build" / "release" / "bare-hummingbird"
# The header of a WebSocket frame of 126 bytes to 64 KiB.
FRAME_HEADER = 4
CORES = sorted(os.sched_getaffinity(0))


@dataclasses.dataclass(frozen=True)
class Server:
    key: str
    title: str
    protocol: str
    # Bytes that its protocol puts around the text inside a frame.
    envelope: int = 0

    def payload(self, frame, text):
        """Bytes of text that make its frame as long as Crier's."""
        return text if self.key == "crier" else frame - FRAME_HEADER - self.envelope


SERVERS = {
    server.key: server
    for server in (
        Server("crier", "Crier", "crier"),
        Server("floor", "raw C, one joined send a socket", "relay"),
        Server("floor-unjoined", "raw C, one send an alert and socket", "relay"),
        Server("uws", "uWebSockets (C++)", "relay"),
        # `MSG bench 1 232\r\n` before and `\r\n` after the text.
        Server("nats", "NATS server", "nats", 19),
        Server("nchan", "nchan (nginx)", "nchan"),
        Server("hummingbird", "a bare Hummingbird route", "crier"),
        Server("ws", "ws (Node)", "relay"),
    )
}


def free_port():
    """Below the ports that outgoing connections and port 0 get, so that nothing else takes it in between."""
    for port in random.sample(range(20_000, 32_000), 100):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no port is free")


def pin(cores):
    """Cores of a server with that many threads, and of the load: the last one is the load's."""
    return set(CORES[:cores]), {CORES[-1]}


def pinned(cores):
    return lambda: os.sched_setaffinity(0, cores)


def filled(template, folder, **values):
    text = (PEERS / template).read_text()
    for name, value in values.items():
        text = re.sub(rf"\b{name}\b", str(value), text)
    path = f"{folder}/{template.removesuffix('.in')}"
    with open(path, "w") as file:
        file.write(text)
    return path


def command(key, crier, port, threads, folder):
    """The words and the environment that start a server."""
    match key:
        case "crier":
            return [crier, "serve"], {
                "PORT": str(port),
                "HOST": "127.0.0.1",
                "THREADS": str(threads),
                "RATE_LIMITS": "off",
                "DRAIN_SECONDS": "0",
                "LOG_LEVEL": "error",
                "PUBLIC_DIR": str(ROOT / "Public"),
            }
        case "floor":
            return [FLOOR, str(port)], {}
        case "floor-unjoined":
            return [FLOOR, str(port), "--no-join"], {}
        case "uws":
            return [ENVIRONMENT / "bin" / "python", PEERS / "uws.py", str(port)], {}
        case "ws":
            return ["node", PEERS / "ws.js", str(port)], {"NODE_PATH": "/usr/share/nodejs"}
        case "hummingbird":
            return [BARE_HUMMINGBIRD, str(port)], {}
        case "nats":
            return ["nats-server", "-c", filled("nats.conf.in", folder, PORT=port, CLIENT_PORT=free_port())], {}
        case "nchan":
            configuration = filled("nginx.conf.in", folder, PORT=port, FOLDER=folder)
            return ["nginx", "-e", f"{folder}/nginx-error.log", "-c", configuration], {}
    raise ValueError(key)


@contextlib.contextmanager
def running(key, crier, threads=1, environment=None):
    """Starts a server on a free port and the first core or cores; gives its port and process id; ends it."""
    with tempfile.TemporaryDirectory(prefix="crier-bench-") as folder:
        # nginx' worker runs as another user where root starts it.
        os.chmod(folder, 0o755)
        port = free_port()
        words, own = command(key, crier, port, threads, folder)
        with open(f"{folder}/log", "wb") as log:
            process = subprocess.Popen(
                words,
                stdout=log,
                stderr=log,
                env={**os.environ, **own, **(environment or {})},
                preexec_fn=pinned(pin(threads)[0]),
            )
        try:
            await_port(process, port, f"{folder}/log")
            yield port, process.pid
        except RuntimeError as error:
            if process.poll() is None:
                raise
            raise RuntimeError(f"{error}; it ended with {process.poll()}: {tail(f'{folder}/log')}") from error
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def await_port(process, port, log, bound=15.0):
    deadline = time.monotonic() + bound
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            break
        time.sleep(0.02)
    # What it still does after it has opened its port is not the first sockets' doing.
    time.sleep(0.3)
    if process.poll() is not None or time.monotonic() > deadline:
        raise RuntimeError(f"it did not start: {tail(log)}")


def tail(path):
    with open(path, errors="replace") as text:
        return text.read()[-400:].strip()


def output(*words):
    with contextlib.suppress(OSError):
        run = subprocess.run(words, capture_output=True, text=True, check=False)
        return (run.stdout + run.stderr).strip()
    return ""


def debian_version(package):
    return output("dpkg-query", "--show", "--showformat", "${Version}", package)


def ws_version():
    with contextlib.suppress(OSError, ValueError), open("/usr/share/nodejs/ws/package.json") as file:
        return json.load(file)["version"]
    return "?"


def hummingbird_version():
    try:
        pins = json.loads((ROOT / "Package.resolved").read_text())["pins"]
        return next(pin["state"]["version"] for pin in pins if pin["identity"] == "hummingbird")
    except (OSError, KeyError, StopIteration):
        return "?"


def versions():
    socketify = output(
        ENVIRONMENT / "bin" / "python", "-c", "import importlib.metadata as m; print(m.version('socketify'))"
    )
    return {
        "crier": output("git", "-C", str(ROOT), "describe", "--always", "--dirty"),
        "floor": output("cc", "--version").splitlines()[0],
        "uws": f"socketify {socketify}",
        "nats": output("nats-server", "--version").removeprefix("nats-server: "),
        "nchan": f"{debian_version('libnginx-mod-nchan')} in nginx {debian_version('nginx')}",
        "ws": f"{ws_version()} on Node {output('node', '--version')}",
        "hummingbird": hummingbird_version(),
    }


def missing():
    """Servers that cannot be started here, with the reason. uWebSockets is looked for apart."""
    found = {}
    for key, program in (("nats", "nats-server"), ("nchan", "nginx"), ("ws", "node")):
        if not shutil.which(program):
            found[key] = f"{program} is not installed"
    if "nchan" not in found and not os.path.exists("/usr/lib/nginx/modules/ngx_nchan_module.so"):
        found["nchan"] = "nginx has no nchan module"
    if not BARE_HUMMINGBIRD.exists():
        found["hummingbird"] = "swift build -c release --product bare-hummingbird was not run"
    if "ws" not in found and ws_version() == "?":
        found["ws"] = "node-ws is not installed"
    return found
