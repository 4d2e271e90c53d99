"""A relay on uWebSockets (C++) through socketify: what comes on /publish is published to a topic that every socket on /read follows.

python uws.py PORT
"""

import sys

from socketify import App, AppListenOptions, OpCode

# Sockets behind by more than this would have alerts dropped; no run comes near it.
MAX_BACKPRESSURE = 16 * 1024 * 1024


def behavior(**handlers):
    return {
        "compression": 0,
        "max_payload_length": 65536,
        "idle_timeout": 0,
        "max_backpressure": MAX_BACKPRESSURE,
        **handlers,
    }


app = App()
app.ws("/read", behavior(open=lambda socket: socket.subscribe("bench")))
app.ws("/publish", behavior(message=lambda socket, message, opcode: app.publish("bench", message, OpCode.TEXT)))
app.ws("/quiet", behavior(message=lambda socket, message, opcode: None))
app.listen(AppListenOptions(host="127.0.0.1", port=int(sys.argv[1])), lambda config: None)
app.run()
