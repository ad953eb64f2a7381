"""A subset of the Common Expression Language: parsed once, evaluated often. Knows nothing of graphs."""
