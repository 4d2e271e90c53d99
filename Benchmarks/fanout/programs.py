"""Builds what a run needs: the C programs, and a virtual environment with uWebSockets' Python package."""

import glob
import subprocess
import sys

from places import BENCHMARKS, BUILD, say

COMPILE = ["cc", "-O2", "-Wall", "-Wextra", "-Werror"]
FLOOR, LOAD = BUILD / "floor", BUILD / "load"
ENVIRONMENT = BUILD / "venv"


def compile_programs():
    BUILD.mkdir(parents=True, exist_ok=True)
    for program in (FLOOR, LOAD):
        sources = sorted(glob.glob(f"{BENCHMARKS}/{program.name}/*.c"))
        subprocess.run([*COMPILE, "-o", program, *sources, "-lm"], check=True)


def install_socketify():
    """False when it cannot be had: its runs are left out then."""
    python = ENVIRONMENT / "bin" / "python"
    if has_socketify(python):
        return True
    say("installing socketify (uWebSockets) into .build/bench/venv")
    # Debian's own Python, where there is one: it has `venv` from the package that install-packages.sh names.
    for base in ("/usr/bin/python3", sys.executable):
        try:
            subprocess.run([base, "-m", "venv", "--clear", ENVIRONMENT], check=True, capture_output=True)
            subprocess.run([python, "-m", "pip", "install", "--quiet", "socketify"], check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            continue
        if has_socketify(python):
            return True
    return False


def has_socketify(python):
    # Importing it loads the library, which needs libuv.
    return python.exists() and subprocess.run([python, "-c", "import socketify"], capture_output=True).returncode == 0
