"""How long a step takes: work in exact sums, then a roofline."""
