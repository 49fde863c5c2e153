"""What the numbers in a batch mean: schemas, the meters they name, and their register sets."""
