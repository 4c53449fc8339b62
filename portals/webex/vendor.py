"""The one vendor there is: Dubber, with its terms of service."""

from __future__ import annotations

from base64 import b64encode
from typing import Final

from portals.rest import RestError, refuse

VENDOR_NAME: Final = "Dubber"
VENDOR_ID: Final = (
    b64encode(b"ciscospark://us/RECORDING_VENDOR/4b2a5fd4-1d0c-5c9f-8d39-5f1f1b8f60a7").decode().rstrip("=")
)
TERMS_URL: Final = "https://www.dubber.net/terms/"


def terms_needed() -> RestError:
    """409: nobody is enabled before the terms of service were accepted."""
    return refuse(
        409,
        f"the terms of service of {VENDOR_NAME} must be accepted before call recording is enabled",
        extra={"vendorId": VENDOR_ID, "vendorName": VENDOR_NAME, "termsOfServiceUrl": TERMS_URL},
    )
