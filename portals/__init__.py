"""The carrier's web pages and HTTP APIs."""
