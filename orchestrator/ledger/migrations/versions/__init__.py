"""One file for each change of the schema, numbered; the newest is ``schema.HEAD``."""
