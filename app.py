"""The web page. Start it with ``python app.py [--share] [--port N]``."""

from __future__ import annotations

import argparse
import contextlib
import io
import logging
import os
import sys
import tempfile
from collections.abc import Sequence

from skinmodels.ui import ending

if __name__ == "__main__":
    ending.at_signals()

from skinmodels import inference
from skinmodels.errors import SkinModelError
from skinmodels.ui import uploads

UPLOADS = uploads.own_folder()
# Whatever else is written for a while goes with the process, too.
tempfile.tempdir = str(UPLOADS.parent / "tmp")

# These import Gradio, which has to know the folder by then.
from starlette.middleware import Middleware  # noqa: E402

from skinmodels.ui import http, mcp_answers, page, sessions, storage  # noqa: E402
from skinmodels.ui.launch import LAUNCH  # noqa: E402

# Seconds between the server's start and the loading of the models, so that whoever waits for the page gets it first:
# importing TensorFlow leaves little time to anything else in the process.
LOAD_AFTER = 2.0

demo = page.build()


def main(arguments: Sequence[str] | None = None) -> int:
    """Serves the page until a signal ends the process, see ``ending``. Returns 1 where the port is taken."""
    parser = argparse.ArgumentParser(description="Serve the SkinModels page.")
    parser.add_argument("--share", action="store_true", help="also open a public link through Gradio's tunnel")
    parser.add_argument("--port", type=int, help="port to listen on (default: the first free one from 7860)")
    options = parser.parse_args(arguments)
    if options.port is not None and not 1 <= options.port <= 65535:
        parser.error(f"expected a port of 1 to 65535. Received: {options.port}")
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("skinmodels").setLevel(logging.INFO)

    ending.at_signals()
    try:
        options.proxies = http.proxies(options.share)
        storage.most_bytes()
    except SkinModelError as error:
        parser.error(str(error))
    mcp_answers.install()
    storage.install()
    # Whom to believe is decided in one place.
    os.environ["FORWARDED_ALLOW_IPS"] = ""
    try:
        # Gradio's own words on a tunnel that cannot be opened run over many lines; ours follow below.
        with contextlib.redirect_stdout(io.StringIO()):
            _, local, public = demo.launch(
                share=options.share,
                server_port=options.port,
                prevent_thread_lock=True,
                quiet=True,
                app_kwargs={"middleware": [Middleware(http.Front, proxies=options.proxies)]},
                **LAUNCH,
            )
    except OSError as error:
        print(f"The page cannot be served: {error}", file=sys.stderr)
        return 1
    print(f"Running on {local}", flush=True)
    if options.share:
        link = (
            f"Public link: {public}"
            if public
            else "No public link could be opened from this network, so the page is served locally only."
        )
        print(link, flush=True)
    ending.closes(demo.server)
    storage.delete_old_in_background(UPLOADS, *page.DELETE_CACHE, lambda: sessions.files_in_use(demo))
    sessions.end_old_in_background(demo, *page.DELETE_CACHE)
    inference.warm_in_background(delay=LOAD_AFTER)
    demo.block_thread()
    return 0


if __name__ == "__main__":
    sys.exit(main())
