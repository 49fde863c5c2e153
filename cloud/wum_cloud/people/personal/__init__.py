"""What is kept about a person who has an account: given out, and forgotten."""
