"""The HBM page's figures: the GPU, its memory, and the memory over the run."""
