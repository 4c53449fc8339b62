"""Forwarders: the code that runs per packet, behind :mod:`mediaserver.media.seam`."""

from mediaserver.runtime.forwarders.choose import ForwarderKind, make_forwarder, native_available

__all__ = ["ForwarderKind", "make_forwarder", "native_available"]
