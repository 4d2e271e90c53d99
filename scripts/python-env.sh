#!/bin/sh
# Makes the virtual environment of the interop tests, .venv/interop, from the pinned Tests/Interop/requirements.txt.
# It is made anew only when the requirements or the interpreter changed.
set -eu
cd "$(dirname "$0")/.."

requirements=Tests/Interop/requirements.txt
environment=.venv/interop
python=${PYTHON:-python3}

fingerprint=$({ "$python" --version; cat "$requirements"; } 2>&1 | sha256sum | cut -d' ' -f1)
if [ "$(cat "$environment/.fingerprint" 2>/dev/null || true)" = "$fingerprint" ] &&
    "$environment/bin/python" -c 'import pytest' 2>/dev/null; then
    exit 0
fi

echo "python-env: making $environment with $("$python" --version 2>&1)"
rm -rf "$environment"
mkdir -p "$(dirname "$environment")"
"$python" -m venv "$environment"
"$environment/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$requirements"
echo "$fingerprint" >"$environment/.fingerprint"
