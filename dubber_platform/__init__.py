"""The other company, simulated: Dubber's recording platform with its own store, REST interface and TLS.

    config = PlatformConfig(data_dir=..., cert_file=..., key_file=...)
    running = await run_platform(config)      # running.base, running.credentials
    await running.stop()

Nothing of the carrier's database is in it; the two meet over HTTPS only.
"""

from dubber_platform.api.app import create_app
from dubber_platform.config import UNLIMITED, Chance, PlanLimits, PlatformConfig
from dubber_platform.seed import seed_demo
from dubber_platform.server import PlatformStartError, RunningPlatform, run_platform, tls_context

__all__ = [
    "UNLIMITED",
    "Chance",
    "PlanLimits",
    "PlatformConfig",
    "PlatformStartError",
    "RunningPlatform",
    "create_app",
    "run_platform",
    "seed_demo",
    "tls_context",
]
