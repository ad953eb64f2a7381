"""What the engine needs from outside, as protocols. Knows no backend that keeps these promises."""
