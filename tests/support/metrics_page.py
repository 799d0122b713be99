"""What /metrics says, as a monitoring server reads it."""

from __future__ import annotations

import httpx
from prometheus_client.parser import text_string_to_metric_families

from bot.web.routes import make_web_app
from data.clock import SteppedClock
from tests.support.conversations import Talk


async def obligations_by_state(talk: Talk, province: str) -> dict[str, int]:
    """Return how many obligations of a province /metrics counts in each state."""
    web = make_web_app(talk.database, SteppedClock(talk.now), registry=lambda: talk.registry)
    transport = httpx.ASGITransport(app=web)
    async with httpx.AsyncClient(transport=transport, base_url="http://bot.test") as client:
        page = (await client.get("/metrics")).text
    return {
        sample.labels["state"]: int(sample.value)
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.name == "nhacviec_obligations" and sample.labels["province"] == province
    }
