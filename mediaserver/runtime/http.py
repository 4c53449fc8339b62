"""The plain HTTP side: health, readiness and Prometheus metrics."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

Reading = tuple[str, str, str, Mapping[str, float]]
"""Name, kind (``gauge`` or ``counter``), help text, and values by their one label (empty for none)."""

Readings = Callable[[], Awaitable[Iterable[Reading]]]
Problems = Callable[[], Iterable[str]]


class _Readings(Collector):
    def __init__(self, readings: Iterable[Reading]) -> None:
        self._readings = readings

    def collect(self) -> Iterable[Metric]:
        for name, kind, text, values in self._readings:
            family = (CounterMetricFamily if kind == "counter" else GaugeMetricFamily)(name, text, labels=["kind"])
            for label, value in values.items():
                family.add_metric([label], value)
            yield family


def make_http(read: Readings, problems: Problems, *, max_body_bytes: int = 64 * 1024) -> web.Application:
    """``problems`` says why the server is not ready; nothing means it is. What is mounted has limits of its own."""

    async def metrics(request: web.Request) -> web.Response:
        registry = CollectorRegistry()
        registry.register(_Readings(await read()))
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def healthy(request: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def ready(request: web.Request) -> web.Response:
        found = list(problems())
        return web.json_response(
            {"status": "not ready" if found else "ready", "problems": found}, status=503 if found else 200
        )

    app = web.Application(client_max_size=max_body_bytes)
    app.router.add_get("/metrics", metrics)
    app.router.add_get("/healthz", healthy)
    app.router.add_get("/readyz", ready)
    return app
