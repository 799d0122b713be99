"""Access to the sandbox page: this machine's browser, with the printed address.

Guarantees:
- A foreign Host (DNS rebinding), a foreign Origin (another site's script) or a missing token is refused
  with one Vietnamese sentence before any route runs.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

SAFE = frozenset({"GET", "HEAD"})
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self';"
        " img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
NEEDS_ADDRESS = (
    "Trang này chỉ mở bằng địa chỉ đầy đủ (có ?khoa=…) mà lệnh «nhacviec sandbox» vừa in ra."
    " Hãy mở lại từ địa chỉ đó."
)
WRONG_HOST = "Trang này chỉ trả lời tại địa chỉ 127.0.0.1 của chính máy đang chạy thử."
WRONG_ORIGIN = "Yêu cầu này đến từ một trang khác nên không được nhận."


class Guard:
    """Outermost ASGI middleware; refuse makes the page of a refusal from its sentence."""

    def __init__(
        self, app: ASGIApp, *, port: int, token: str, refuse: Callable[[str], str]
    ) -> None:
        self._app = app
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self._origins = {f"http://{host}" for host in self._hosts}
        self._cookie = f"nhacviec_khoa_{port}"  # cookies do not tell ports apart
        self._token = token.encode()
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # no websocket is spoken here
            await send({"type": "websocket.close", "code": 1008})
            return
        answer = self._answer(Request(scope))
        await (answer or self._app)(scope, receive, send)

    def _answer(self, request: Request) -> Response | None:
        """Return the refusal, or the redirect that sets the cookie; None to let the request pass."""
        if request.headers.get("host") not in self._hosts:
            return self._refusal(WRONG_HOST)
        origin = request.headers.get("origin")
        if (origin is not None or request.method not in SAFE) and origin not in self._origins:
            return self._refusal(WRONG_ORIGIN)
        if self._fits(request.cookies.get(self._cookie, "")):
            return None
        given = request.query_params.get("khoa", "")
        if request.url.path == "/" and request.method in SAFE and self._fits(given):
            rest = [(name, value) for name, value in request.query_params.items() if name != "khoa"]
            answer = RedirectResponse(f"/?{urlencode(rest)}", status_code=303, headers=HEADERS)
            answer.set_cookie(
                self._cookie, self._token.decode(), httponly=True, samesite="strict", path="/"
            )
            return answer
        return self._refusal(NEEDS_ADDRESS)

    def _fits(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self._token)

    def _refusal(self, reason: str) -> Response:
        return HTMLResponse(self._refuse(reason), status_code=403, headers=HEADERS)
