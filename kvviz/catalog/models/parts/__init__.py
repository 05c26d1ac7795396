"""What families of models are built of: attention, MLPs, experts, state spaces, vision towers."""
