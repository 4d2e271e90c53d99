// The text of an alert: a marker that says its number, then filler up to the size asked for.
#pragma once

enum {
    /// `@` + ten digits + `:`.
    MARKER_LENGTH = 12,
    MAX_PAYLOAD = 4096,
    /// How many alerts may be unfinished; a power of two.
    LEDGER_SIZE = 1 << 16,
};
