// What the command line asks for.
#pragma once
#include <stdbool.h>
#include <stdint.h>

enum protocol { CRIER, CRIER_SSE, RELAY, NATS, NCHAN };
enum publishing { PUBLISH_AND_READ, PUBLISH_ONLY_HTTP, PUBLISH_ONLY_WEBSOCKET };

struct options {
    enum protocol protocol;
    const char *protocol_name;
    uint16_t port;
    /// The server's process, for its CPU time and memory; 0: neither is measured.
    int pid;
    int sockets;
    /// Handshakes that may be under way at once.
    int handshakes;
    /// Bytes of text of an alert.
    int payload;
    /// Alerts that may be unfinished; 0 with a rate.
    int in_flight;
    /// Alerts a second, open loop; 0: closed loop.
    double rate;
    double warm_up_seconds, seconds;
    /// Ends the measurement by deliveries instead of seconds; 0: by seconds.
    uint64_t deliveries;
    /// Seconds to wait after connecting and after leaving, before memory is read.
    double settle_seconds;
    int side_topics;
    double slow_percent;
    /// Alerts that every socket is to get again after all have reconnected; 0: no such run.
    int herd;
    bool probes;
    /// Look for what has come again and again instead of sleeping until something has. A sleeping reader has to be woken by the server's sends, which
    /// is billed to the server, and the more so the faster the reader is. Only sensible where the tool has a core of its own.
    bool spins;
    /// Close all sockets at the end and read the server's memory again.
    bool leaves;
    enum publishing publishing;
    /// Connections that publish in a publish-only run, and publishes that may be unanswered on each WebSocket.
    int publishers, unanswered;
    /// A line that every HTTP publish has among its headers, or empty.
    const char *header;
};

/// Ends the process with status 64 and the usage where a word is wrong.
struct options options_from(int count, char **words);
