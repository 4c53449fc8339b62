"""The platform's own database and files."""
