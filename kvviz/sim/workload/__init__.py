"""What is to be served: drawn, read from traces, or grown in step."""
