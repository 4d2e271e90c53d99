#!/usr/bin/env python3
"""Measures the buses: alerts a second and latency from publish to socket with 1, 4 and 8 VMs on Redis, on PostgreSQL and, where it is installed, on Google's
emulator of Pub/Sub, beside the bus alone.

Starts its own redis-server, PostgreSQL and emulator on free ports of 127.0.0.1 and stops them. The VMs are processes of the release binary, with one
reading socket each; alerts are published over WebSockets at all of them. The bus alone is measured by the bus's own tools (redis-benchmark, pgbench; the
emulator, which has none, by its REST interface) in the same run, with the same size of text. Prints a table in Markdown.

    python3 Benchmarks/buses.py [--bus redis,postgres,google] [--vms 1,4,8] [--seconds 8] [--crier .build/release/crier]
"""

import argparse
import base64
import contextlib
import glob
import http.client
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAYLOAD = 100
BATCH = 64


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def await_true(what, holds, bound=20.0):
    deadline = time.monotonic() + bound
    while not holds():
        if time.monotonic() > deadline:
            sys.exit(f"{what} did not come within {bound} s")
        time.sleep(0.05)


def answers(url):
    with contextlib.suppress(OSError):
        return urllib.request.urlopen(url, timeout=2).status == 200
    return False


def progress(text):
    print(f"-- {text}", file=sys.stderr, flush=True)


class Process:
    """A process with its output in a file, ended with the block that it is used in."""

    def __init__(self, arguments, log, environment=None):
        self.log = open(log, "ab")
        self.process = subprocess.Popen(
            arguments, stdout=self.log, stderr=self.log, env=environment and {**os.environ, **environment}
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


class Redis:
    name = "Redis"
    # Alerts a second at which latency is measured.
    rate = 1000

    def __init__(self, folder):
        self.port = free_port()
        self.environment = {"BUS": "redis", "REDIS_URL": f"redis://127.0.0.1:{self.port}/0"}
        self.arguments = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", folder]
        self.arguments += ["--appendonly", "yes", "--appendfsync", "everysec", "--save", ""]

    def cli(self, *words):
        return subprocess.run(
            ["redis-cli", "-p", str(self.port), *words], capture_output=True, text=True, check=False
        ).stdout.strip()

    def is_up(self):
        return self.cli("ping") == "PONG"

    def version(self):
        return re.search(r"redis_version:(\S+)", self.cli("info", "server")).group(1)

    def empty(self):
        self.cli("flushall")

    def alone(self, seconds):
        """What redis-benchmark reaches with one connection and pipelines as long as the VMs' batches, and its latency without pipelines."""
        text = "x" * (PAYLOAD + 200)
        for name, words in {"PUBLISH": ["publish", "alone", text], "XADD": ["xadd", "alone", "*", "b", text]}.items():
            rates, lone = [], []
            for pipeline, requests in ((BATCH, 400_000), (1, 20_000)):
                out = subprocess.run(
                    ["redis-benchmark", "-p", str(self.port), "-c", "1", "-P", str(pipeline), "-n", str(requests), "--csv", *words],
                    capture_output=True, text=True, check=True,
                ).stdout.splitlines()
                row = dict(zip(next_csv(out[-2]), next_csv(out[-1])))
                (rates if pipeline > 1 else lone).append(row)
            yield name, float(rates[0]["rps"]), float(lone[0]["p50_latency_ms"]), float(lone[0]["p99_latency_ms"])
            self.empty()

    def memory(self):
        entries = int(self.cli("xlen", "{crier}:log"))
        return entries, int(self.cli("memory", "usage", "{crier}:log", "samples", "0")) / max(1, entries)


def next_csv(line):
    return [word.strip('"') for word in line.split(",")]


class Postgres:
    name = "PostgreSQL"
    rate = 1000

    def __init__(self, folder):
        self.port = free_port()
        self.bin = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
        self.user = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--init-groups"] if os.geteuid() == 0 else []
        self.environment = {"BUS": "postgres", "DATABASE_URL": f"postgres://crier@127.0.0.1:{self.port}/postgres"}
        if self.user:
            shutil.chown(folder, "postgres", "postgres")
        data = f"{folder}/postgres"
        subprocess.run(
            [*self.user, f"{self.bin}/initdb", "-D", data, "-U", "crier", "-A", "trust"],
            check=True, stdout=subprocess.DEVNULL, cwd=folder,
        )
        self.folder = folder
        self.arguments = [*self.user, f"{self.bin}/postgres", "-D", data, "-p", str(self.port), "-h", "127.0.0.1", "-k", folder]

    def sql(self, text):
        return subprocess.run(
            [f"{self.bin}/psql", "-h", "127.0.0.1", "-p", str(self.port), "-U", "crier", "-d", "postgres", "-Atc", text],
            capture_output=True, text=True, check=False,
        ).stdout.strip()

    def is_up(self):
        return self.sql("select 1") == "1"

    def version(self):
        return self.sql("show server_version").split()[0]

    def empty(self):
        self.sql("drop schema if exists crier cascade")

    def alone(self, seconds):
        """What pgbench reaches with one connection that inserts a batch of rows and notifies once a transaction, and one row a transaction."""
        self.sql("create table alone (id bigserial primary key, body text)")
        found = []
        for rows in (BATCH, 1):
            script = pathlib.Path(self.folder) / f"alone-{rows}.sql"
            script.write_text(
                "begin;\n"
                f"insert into alone (body) select repeat('x', {PAYLOAD + 200}) from generate_series(1, {rows});\n"
                "select pg_notify('alone', '1');\ncommit;\n"
            )
            script.chmod(0o644)
            log = subprocess.run(
                [f"{self.bin}/pgbench", "-n", "-c", "1", "-T", str(max(2, seconds // 2)), "-f", str(script), "-h", "127.0.0.1",
                 "-p", str(self.port), "-U", "crier", "-l", "--log-prefix", f"{self.folder}/log-{rows}", "postgres"],
                capture_output=True, text=True, check=True,
            ).stdout
            rate = float(re.search(r"tps = ([\d.]+)", log).group(1)) * rows
            times = sorted(
                int(line.split()[2]) / 1000 for name in glob.glob(f"{self.folder}/log-{rows}.*") for line in open(name)
            )
            found.append((rate, times[len(times) // 2], times[len(times) * 99 // 100]))
        self.sql("drop table alone")
        yield "INSERT + NOTIFY", found[0][0], found[1][1], found[1][2]

    def memory(self):
        rows = int(self.sql("select count(*) from crier.log") or 0)
        return rows, int(self.sql("select pg_total_relation_size('crier.log')") or 0) / max(1, rows)


class PubSub:
    name = "Pub/Sub's emulator"
    rate = 200
    jars = sorted(glob.glob("/usr/lib/google-cloud-sdk/platform/pubsub-emulator/lib/cloud-pubsub-emulator-*.jar"))
    project = "v1/projects/crier-bench"

    def __init__(self, folder):
        self.port = free_port()
        self.topics = 0
        self.environment = {
            "BUS": "google", "PUBSUB_EMULATOR_HOST": f"127.0.0.1:{self.port}", "GOOGLE_CLOUD_PROJECT": "crier-bench",
        }
        self.arguments = ["java", "-Xmx1g", f"-Djava.io.tmpdir={folder}", "-jar", self.jars[-1]]
        self.arguments += ["--host=127.0.0.1", f"--port={self.port}"]

    def is_up(self):
        return answers(f"http://127.0.0.1:{self.port}/{self.project}/topics")

    def version(self):
        return re.search(r"emulator-([\d.]+\d)", self.jars[-1]).group(1)

    def empty(self):
        self.topics += 1
        self.environment["PUBSUB_TOPIC"] = f"BENCH_{self.topics}"

    def alone(self, seconds):
        """What one publisher and one subscription reach over REST, in batches as long as the VMs' and one by one, acknowledgements included."""
        publisher, reader = (http.client.HTTPConnection("127.0.0.1", self.port, timeout=100) for _ in range(2))

        def call(connection, method, path, body):
            connection.request(method, f"/{self.project}/{path}", json.dumps(body), {"Content-Type": "application/json"})
            return json.loads(connection.getresponse().read())

        topic, place = "topics/ALONE", "subscriptions/alone"
        call(publisher, "PUT", topic, {})
        call(publisher, "PUT", place, {"topic": f"projects/crier-bench/{topic}", "enableMessageOrdering": True})
        message = {"data": base64.b64encode(b"x" * (PAYLOAD + 200)).decode(), "orderingKey": "alone"}

        def round_trip(count):
            began = time.monotonic()
            call(publisher, "POST", f"{topic}:publish", {"messages": [message] * count})
            while count > 0:
                got = call(reader, "POST", f"{place}:pull", {"maxMessages": 1000}).get("receivedMessages", [])
                call(reader, "POST", f"{place}:acknowledge", {"ackIds": [one["ackId"] for one in got]})
                count -= len(got)
            return (time.monotonic() - began) * 1000

        def for_a_while(count):
            end, times = time.monotonic() + max(2, seconds // 2), []
            while time.monotonic() < end:
                times.append(round_trip(count))
            return sorted(times)

        batches, single = for_a_while(BATCH), for_a_while(1)
        yield "publish, pull, acknowledge", BATCH * len(batches) / sum(batches) * 1000, single[len(single) // 2], single[len(single) * 99 // 100]

    def memory(self):
        return None


@contextlib.contextmanager
def running(bus, folder):
    with Process(bus.arguments, f"{folder}/bus.log"):
        await_true(bus.name, bus.is_up)
        yield


def bench(crier, ports, *options):
    servers = [word for port in ports for word in ("--server", f"http://127.0.0.1:{port}")]
    out = subprocess.run(
        [crier, "bench", *servers, "--sockets", str(len(ports)), "--payload", str(PAYLOAD), "--json", *options],
        capture_output=True, text=True, check=False,
    )
    if not out.stdout.strip():
        sys.exit(f"crier bench failed: {out.stderr}")
    return json.loads(out.stdout.strip().splitlines()[-1])


def measure(bus, crier, count, seconds, folder):
    bus.empty()
    with contextlib.ExitStack() as stack:
        ports = [free_port() for _ in range(count)]
        for index, port in enumerate(ports):
            environment = {
                **bus.environment, "PORT": str(port), "HOST": "127.0.0.1", "FLY_ALLOC_ID": f"vm-{index}", "THREADS": "1",
                "RATE_LIMITS": "off", "DRAIN_SECONDS": "0", "LOG_LEVEL": "warning", "PUBLIC_DIR": str(ROOT / "Public"),
            }
            stack.enter_context(Process([crier, "serve"], f"{folder}/vm-{index}.log", environment))
        for port in ports:
            await_true(f"VM on {port}", lambda port=port: answers(f"http://127.0.0.1:{port}/ready"))
        progress(f"{bus.name}, {count} VMs: as many alerts as go through")
        most = bench(crier, ports, "--in-flight", "512", "--seconds", str(seconds))
        progress(f"{bus.name}, {count} VMs: {bus.rate:,} alerts a second")
        steady = bench(crier, ports, "--rate", str(bus.rate), "--seconds", str(seconds))
        wrong = sum(run[key] for run in (most, steady) for key in ("lost", "doubled", "closed"))
        memory = bus.memory()
    return most["deliveries_per_second"] / count, steady["latency_ms_p50"], steady["latency_ms_p99"], wrong, memory


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bus", default="redis,postgres" + (",google" if PubSub.jars else ""))
    parser.add_argument("--vms", default="1,4,8")
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--crier", default=str(ROOT / ".build/release/crier"))
    options = parser.parse_args()
    kinds = {"redis": Redis, "postgres": Postgres, "google": PubSub}
    print("| bus | | alerts/s | p50 ms | p99 ms | lost, doubled, closed |")
    print("| --- | --- | --- | --- | --- | --- |")
    notes = []
    for kind in options.bus.split(","):
        with tempfile.TemporaryDirectory(prefix="crier-buses-") as folder:
            bus = kinds[kind](folder)
            with running(bus, folder):
                progress(f"{bus.name} alone")
                for name, rate, middle, high in bus.alone(options.seconds):
                    print(f"| {bus.name} {bus.version()} | alone: {name} | {rate:,.0f} | {middle:.2f} | {high:.2f} | |", flush=True)
                for count in map(int, options.vms.split(",")):
                    rate, middle, high, wrong, memory = measure(bus, options.crier, count, options.seconds, folder)
                    label = "1 VM" if count == 1 else f"{count} VMs"
                    print(f"| | {label} | {rate:,.0f} | {middle:.2f} | {high:.2f} | {wrong} |", flush=True)
                if memory:
                    notes.append(f"{bus.name}: {memory[1]:.0f} bytes an alert of {PAYLOAD} bytes of text, over {memory[0]:,} alerts")
    print()
    print("\n".join(notes))


if __name__ == "__main__":
    main()
