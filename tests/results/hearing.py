"""The program as a terminal starts it: it hears the signals that whoever runs the tests may have silenced."""

import sys

_LAUNCHER = """
import os, signal, sys
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_DFL)
os.execv(sys.executable, [sys.executable, "-m", "lambdasim", *sys.argv[1:]])
"""
LAMBDASIM = (sys.executable, "-c", _LAUNCHER)
