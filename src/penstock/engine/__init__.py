"""How runs are claimed, carried out and settled. Knows neither backends nor what a handler computes."""
