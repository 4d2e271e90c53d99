"""Every bound of the stand-in. What is said of Fly's proxy in its documentation stands with that; the rest keeps a test from waiting for ever."""

# Documented: a larger body cannot be replayed, and more replays are an error.
REPLAYABLE_BODY_BYTES = 1 << 20
MAX_REPLAYS = 10

HEAD_BYTES = 64 << 10
CHUNK_LINE_BYTES = 4 << 10
TRAILER_BYTES = 16 << 10
REPLAY_JSON_BYTES = 64 << 10
CONTROL_BODY_BYTES = 64 << 10
# What one read takes, and what a client may send ahead while it is being answered.
PIECE_BYTES = 64 << 10

MAX_CLIENTS = 10_000
MAX_BACKENDS = 1_000
MAX_PINS = 1_000
MAX_LATENCY_SECONDS = 60.0

# From a head's first byte to its last.
HEAD_SECONDS = 10.0
# Between two pieces of a request's body.
BODY_SECONDS = 30.0
CONNECT_SECONDS = 2.0
# From the request's last byte to the answer's head.
ANSWER_SECONDS = 30.0
MAX_REPLAY_TIMEOUT_SECONDS = 60.0
# For how long a refused client's bytes are thrown away, so that the refusal reaches it before a reset would.
LINGER_SECONDS = 1.0
# For how long a closed connection may take what was written to it.
FLUSH_SECONDS = 10.0
# The default of --idle-timeout.
IDLE_SECONDS = 60.0
