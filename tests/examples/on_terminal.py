"""Runs a program on a terminal of its own, and types Ctrl-C when it has printed a text so many times.

    python3 on_terminal.py TEXT TIMES command...

Prints as JSON what the program wrote, how it ended, how long it took, and whether the terminal is as it was.
"""

import json
import os
import pty
import struct
import sys
import termios
import fcntl
import time

text, times, command = sys.argv[1].encode(), int(sys.argv[2]), sys.argv[3:]
master, slave = pty.openpty()
fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
before = termios.tcgetattr(slave)
started = time.monotonic()
child = os.fork()
if child == 0:
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    for descriptor in (0, 1, 2):
        os.dup2(slave, descriptor)
    os.close(master)
    os.execvp(command[0], command)

# The slave stays open here, so that what the program leaves behind can be looked at.
output = b""
typed = None
while True:
    ended, status = os.waitpid(child, os.WNOHANG)
    os.set_blocking(master, False)
    try:
        while part := os.read(master, 65536):
            output += part
    except BlockingIOError:
        pass
    if ended:
        break
    if typed is None and output.count(text) >= times:
        typed = time.monotonic()
        os.write(master, b"\x03")
    time.sleep(0.01)

print(json.dumps({
    "output": output.decode(),
    "code": os.waitstatus_to_exitcode(status),
    "milliseconds": 1000 * ((typed or time.monotonic()) - started),
    "restored": termios.tcgetattr(slave) == before,
}))
