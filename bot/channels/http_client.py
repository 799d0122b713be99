"""What every HTTP client of this process shares: the TLS context, and no search for sniffio."""

from __future__ import annotations

import functools
import ssl
import sys
from importlib.util import find_spec

import httpx

# httpcore imports sniffio at every lock, several times a request, to ask which loop it runs in. Where that is
# missing Python searches the disk each time, a quarter of what a send costs. None: known to be missing.
if find_spec("sniffio") is None:
    sys.modules["sniffio"] = None  # type: ignore[assignment]


@functools.cache
def tls_context() -> ssl.SSLContext:
    """Return the context that verifies servers by the usual certificate authorities.

    Made once: reading the authorities takes longer than a message to a platform.
    """
    return httpx.create_ssl_context()
