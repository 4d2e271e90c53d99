#!/bin/sh
# Makes .venv/autobahn: the Autobahn test suite (PyPI) in its own Python 2.7, which is the only Python it runs on.
# Debian 12 has no Python 2.7 any more, so the packages of Debian 11 are fetched by apt, with Debian's signatures checked,
# and unpacked beneath .venv: nothing is installed in the system and its apt sources stay as they are.
# PYTHON2=/path/to/python2.7 uses that interpreter instead.
set -eu
cd "$(dirname "$0")/.."

requirements=Tests/Interop/requirements-autobahn.txt
environment=.venv/autobahn
packages="libffi7 libpython2.7-minimal libpython2.7-stdlib libssl1.1 python2.7-minimal"
# The mirrors that this machine's apt has for Debian itself: they hold Debian 11 too.
mirrors=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v security | sort -u)

fingerprint=$({ echo "$PWD ${PYTHON2:-debian}"; cat "$requirements" scripts/autobahn-env.sh; } | sha256sum | cut -d' ' -f1)
if [ "$(cat "$environment/.fingerprint" 2>/dev/null || true)" = "$fingerprint" ] && [ -x "$environment/wstest" ]; then
    exit 0
fi

scripts/python-env.sh
rm -rf "$environment"
mkdir -p "$environment"
home=$(cd "$environment" && pwd)

fetch_debian() {
    mkdir -p "$home/apt/lists/partial" "$home/apt/cache/archives/partial" "$home/debs" "$home/debian"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $1 bullseye main" >"$home/apt/sources.list"
    # A configuration of its own keeps the machine's lists, caches and sources out of this, and this out of them.
    cat >"$home/apt/apt.conf" <<-CONF
	Dir::Etc::sourcelist "$home/apt/sources.list";
	Dir::Etc::sourceparts "-";
	Dir::State::lists "$home/apt/lists";
	Dir::Cache "$home/apt/cache";
	Acquire::Check-Valid-Until "false";
	Acquire::Languages "none";
	Acquire::Retries "3";
	APT::Get::AllowUnauthenticated "false";
	CONF
    if [ "$(id -u)" -eq 0 ]; then
        echo 'APT::Sandbox::User "root";' >>"$home/apt/apt.conf"
    fi
    # shellcheck disable=SC2086 # a list of words
    APT_CONFIG=$home/apt/apt.conf apt-get -qq update &&
        (cd "$home/debs" && APT_CONFIG=$home/apt/apt.conf apt-get -qq download $packages)
}

if [ -n "${PYTHON2:-}" ]; then
    python2=$PYTHON2
    libraries=
else
    echo "autobahn-env: fetching Python 2.7 from Debian 11"
    fetched=
    for mirror in $mirrors; do
        if fetch_debian "$mirror"; then
            fetched=yes
            break
        fi
    done
    if [ -z "$fetched" ]; then
        echo "autobahn-env: Debian 11 was not to be had from any of: $mirrors" >&2
        exit 1
    fi
    for deb in "$home"/debs/*.deb; do
        dpkg -x "$deb" "$home/debian"
    done
    rm -rf "$home/apt" "$home/debs"
    python2=$home/debian/usr/bin/python2.7
    libraries=$(dirname "$home"/debian/usr/lib/*/libssl.so.1.1)
fi

echo "autobahn-env: installing the test suite"
with_libraries() {
    LD_LIBRARY_PATH="$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" "$@"
}
with_libraries .venv/interop/bin/virtualenv --quiet --no-periodic-update --python "$python2" "$home/python"
# Without dependency resolution: the list is complete, and leaves out the accelerator, which would need a compiler.
with_libraries "$home/python/bin/python" -W ignore -m pip install --quiet --disable-pip-version-check \
    --no-python-version-warning --no-deps --requirement "$requirements"

cat >"$environment/wstest" <<WSTEST
#!/bin/sh
LD_LIBRARY_PATH="$libraries\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}" exec "$home/python/bin/python" -W ignore "$home/python/bin/wstest" "\$@"
WSTEST
chmod +x "$environment/wstest"
"$environment/wstest" --help >/dev/null
echo "$fingerprint" >"$environment/.fingerprint"
