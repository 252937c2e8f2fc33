"""The health check of a container: `python -m chassis.probe PORT` fails unless /health is 200.

By a bare socket: to import an HTTP client takes longer than to ask, and replicas are asked often.
"""

import socket
import sys

REQUEST = b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"

if __name__ == "__main__":
    with socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=2) as connection:
        connection.sendall(REQUEST)
        status = connection.makefile("rb").readline()
    sys.exit(not status.startswith(b"HTTP/1.1 200 "))
