"""Panel pages: session, controls, cards and the player."""
