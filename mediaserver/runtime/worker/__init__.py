"""Media workers: processes around :class:`mediaserver.media.engine.MediaEngine`, and the main process' side of them.

Import from the modules: the first thing a worker process runs must not import numpy.
"""
