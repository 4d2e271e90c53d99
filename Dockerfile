# Crier in an image: a statically linked Swift binary, the page, and Debian's C library around them.
# scripts/prove-dockerfile.sh carries these steps out without a Docker engine. It knows the instructions that stand here: a new kind of
# instruction has to be taught to it.

FROM swift:6.3-bookworm AS build
WORKDIR /src

# What the compiler needs besides its image: the list is kept in one place.
COPY scripts/install-packages.sh scripts/
RUN scripts/install-packages.sh build

# The dependencies have a layer of their own, which stays until the manifest changes.
COPY Package.swift Package.resolved* ./
RUN swift package resolve

# Tests are not compiled, but the manifest names their folders and does not load without them.
COPY Sources Sources
COPY Tests Tests
RUN swift build --configuration release --product crier --static-swift-stdlib
RUN strip --strip-all -o crier .build/release/crier

# The same Debian as the compiler's image, for the same C library.
FROM debian:bookworm-slim
WORKDIR /app

# The clients of Redis and PostgreSQL; the other libraries that the binary loads belong to every Debian.
RUN apt-get update && apt-get install -y --no-install-recommends libhiredis0.14 libpq5 && rm -rf /var/lib/apt/lists/*

# The roots of trust are for buses with TLS, and for `crier publish` and `crier subscribe` to https servers. Time zones are not needed: the
# server's times are UTC.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /src/crier ./
COPY Public Public

# A library that is missing fails the build of the image, not its start.
RUN /app/crier --help > /dev/null

# Where the page is, whatever the working directory of `docker run --workdir` or of a supervisor.
ENV PUBLIC_DIR=/app/Public

# By number, so that a supervisor can see without the image's passwd that it is not root. Everything in /app belongs to root: the server
# writes no file.
USER 10001:10001

EXPOSE 8080
STOPSIGNAL SIGTERM

# No HEALTHCHECK: it would start a process every few seconds for which the image has no program, and orchestrators ask GET /health over
# the network anyway.

# Without a shell, so that the server is process 1 and gets the signals itself.
ENTRYPOINT ["/app/crier"]
CMD ["serve"]
