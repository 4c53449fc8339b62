"""The service provider's and the administrator's portal, at ``/admin``."""
