"""The composition root: what users hold in their hands. Knows every layer below, and no surface above."""
