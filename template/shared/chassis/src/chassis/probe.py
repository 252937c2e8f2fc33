"""The health check of a container: `python -m chassis.probe PORT` fails unless /health is 200."""

import sys
from http.client import HTTPConnection

if __name__ == "__main__":
    connection = HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=2)
    connection.request("GET", "/health")
    sys.exit(connection.getresponse().status != 200)
