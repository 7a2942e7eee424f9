"""The HTTP side: FastAPI over the same engine."""
