"""Whom we trust at the other end of a connection: the usual certificate authorities, read once.

Promises one context a process. Reading the authorities takes longer than a message to a platform does,
and every client that makes its own reads them again.
"""

from __future__ import annotations

import functools
import ssl

import httpx


@functools.cache
def tls_context() -> ssl.SSLContext:
    """Return the context that every HTTP client of this process verifies with."""
    return httpx.create_ssl_context()
