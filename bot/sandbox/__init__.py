"""The sandbox: try the whole program on one machine, without an account; `nhacviec sandbox`."""

from bot.sandbox.serve import serve_sandbox

__all__ = ["serve_sandbox"]
