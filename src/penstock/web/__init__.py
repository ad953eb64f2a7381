"""An app over HTTP: REST, server-sent events, signed links. Knows app and store, neither engine nor backends."""
