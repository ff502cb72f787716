"""What a run shows: on a terminal, as JSON, as JUnit."""
