"""What is true of a network before any query is spent, each claim proved or called not decided."""
