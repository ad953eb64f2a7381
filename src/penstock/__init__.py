"""Penstock brings work to workers: a durable job queue, flows and workflows on the database you already run."""

__all__: list[str] = []
