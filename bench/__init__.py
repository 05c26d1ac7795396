"""How fast the pages are: frames, answers to a click, traffic, server load and opening."""
