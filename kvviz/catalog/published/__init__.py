"""What others published: papers, facts, and statistics of requests."""
