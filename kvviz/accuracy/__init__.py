"""How accurate kvviz is: its predictions against what engines logged and others published."""
