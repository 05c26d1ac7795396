"""What pages share: the shell, components, and the scripts that several use."""
