"""The real server in a process of its own."""

import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import urllib.error
import urllib.request

from waiting import wait_until

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
STARTUP_SECONDS = 20.0
STOP_SECONDS = 20.0

# What the Swift runtime and the sanitizers print when a process goes down or misbehaves.
CRASH = re.compile(r"Fatal error|Program crashed|Backtracing from|💣|Sanitizer:|runtime error:|Segmentation fault")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class CrierServer:
    """`crier serve` on a loopback port, with nothing but the given configuration in its environment. A value of None removes a default."""

    def __init__(self, *flags: str, **environment: str | None):
        self.binary = REPOSITORY / os.environ.get("CRIER_BIN", ".build/release/crier")
        self.port = free_port()
        self.flags = flags
        configuration = {"HOST": "127.0.0.1", "RATE_LIMITS": "off", "DRAIN_SECONDS": "1", **environment}
        self.environment = {key: value for key, value in configuration.items() if value is not None}
        self.log_path = pathlib.Path(tempfile.mkstemp(prefix="crier-", suffix=".log")[1])
        self.process: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def start(self) -> "CrierServer":
        """Starts it (again, on the same port) and returns once it is ready."""
        assert self.binary.exists(), f"{self.binary} is not built"
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LD_LIBRARY_PATH") if name in os.environ}
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [self.binary, "serve", *self.flags],
                cwd=REPOSITORY,
                env={**inherited, **self.environment, "PORT": str(self.port)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        wait_until(self._is_ready, lambda: f"the server to be ready:\n{self.log[-4000:]}\n", STARTUP_SECONDS)
        return self

    def _is_ready(self) -> bool:
        status = self.process.poll()
        assert status is None, f"the server ended at once with {status}:\n{self.log}"
        try:
            with urllib.request.urlopen(f"{self.url}/ready", timeout=2) as answer:
                return answer.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def stop(self) -> None:
        """SIGTERM, and what must follow: an orderly end in time, and a log without a crash."""
        if self.process is None:
            return
        process, self.process = self.process, None
        assert process.poll() is None, f"the server went away by itself with {process.returncode}:\n{self.log}"
        process.send_signal(signal.SIGTERM)
        try:
            status = process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"the server did not stop within {STOP_SECONDS} s of SIGTERM:\n{self.log[-4000:]}") from None
        assert status == 0, f"the server stopped with {status}:\n{self.log[-4000:]}"
        crash = CRASH.search(self.log)
        assert not crash, f"the server's log has {crash.group()!r}:\n{self.log[-4000:]}"

    def kill(self) -> None:
        """SIGKILL: what a lost VM looks like."""
        process, self.process = self.process, None
        process.kill()
        process.wait()

    def discard(self) -> None:
        """Ends it whatever its state; for a test that failed before it came to `stop`."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.log_path.unlink(missing_ok=True)
