"""The Webex Calling REST API's own shapes, at ``/v1``."""
