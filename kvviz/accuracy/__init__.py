"""How true kvviz is: its predictions against what engines logged and others published."""
