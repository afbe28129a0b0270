"""Runs LiteLLM's proxy until standard input is closed, then removes the current directory.

A test process that is killed leaves neither this process nor its files.
"""

import os
import shutil
import sys
import threading


def end_with_parent():
    sys.stdin.buffer.read()
    shutil.rmtree(os.getcwd(), ignore_errors=True)
    os._exit(0)


threading.Thread(target=end_with_parent, daemon=True).start()

# The import takes most of the start.
from litellm import run_server  # noqa: E402

run_server()
