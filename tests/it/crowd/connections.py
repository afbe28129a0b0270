"""Opens as many connections to a socket as it is told, closes them, and starts again.

Usage: connections.py SOCKET COUNT. A line on standard output says that all are open. A process of
its own, because the descriptors of the tests' process are for all tests.
"""

import resource
import socket
import sys

path, count = sys.argv[1], int(sys.argv[2])
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
# Only root can raise the hard limit.
if hard != resource.RLIM_INFINITY and hard < count + 100:
    hard = count + 100
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
while True:
    connections = []
    for _ in range(count):
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(path)
        connections.append(connection)
    print(count, flush=True)
    for connection in connections:
        connection.close()
