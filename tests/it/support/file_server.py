"""Serves files, with entity tags, until its standard input is closed; then removes its directory."""

import os
import shutil
import sys
import threading

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles


def end_with_parent(directory):
    sys.stdin.read()
    shutil.rmtree(directory)
    os._exit(0)


directory, port = sys.argv[1:]
threading.Thread(target=end_with_parent, args=[directory], daemon=True).start()
app = Starlette(routes=[Mount("/", StaticFiles(directory=os.path.join(directory, "files")))])
uvicorn.run(app, host="127.0.0.1", port=int(port), lifespan="off")
