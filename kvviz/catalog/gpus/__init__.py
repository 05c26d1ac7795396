"""GPUs: capacities, rates and floorplans, read from a table."""
