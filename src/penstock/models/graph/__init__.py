"""Graphs: a blueprint of nodes and edges as data, and a pure planner that says what to start next."""
