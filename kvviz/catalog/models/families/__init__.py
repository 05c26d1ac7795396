"""What each family of models stores, one file for each group of families."""
