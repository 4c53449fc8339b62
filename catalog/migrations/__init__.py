"""The catalogue's history of schemas, run by alembic when a catalogue is opened."""
